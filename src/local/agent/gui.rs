//! Talk of a screen that the user may not have. The service's agent believes in one, so this one
//! does too: its answers end in a button, a panel or something to drag, now as a sentence, now in
//! the middle of one. Which it is goes round with the turns of a session, so a test gets the same
//! words each time.

use super::answers::Tongue;

/// Something on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gui {
    Export,
    Preview,
    DragTitle,
    MediaPanel,
    Billing,
}

/// What was done, as far as the screen is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Film,
    Edit,
}

/// Something on the screen, in a sentence of its own or after a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    Sentence(Gui),
    Joined(Gui),
}

use Gui::{Billing, DragTitle, Export, MediaPanel, Preview};
use Hint::{Joined, Sentence};

const AFTER_A_FILM: &[Hint] = &[
    Sentence(Export),
    Joined(Export),
    Sentence(MediaPanel),
    Sentence(Preview),
    Joined(Preview),
    Sentence(Billing),
];
const AFTER_AN_EDIT: &[Hint] = &[
    Sentence(Preview),
    Sentence(DragTitle),
    Joined(Export),
    Sentence(MediaPanel),
    Joined(Preview),
    Sentence(Export),
    Sentence(Billing),
];

/// The hint of the nth turn, from 1, or the next one after it that fits.
pub(super) fn hint(moment: Moment, nth: u64, fits: impl Fn(Gui) -> bool) -> Hint {
    let hints = match moment {
        Moment::Film => AFTER_A_FILM,
        Moment::Edit => AFTER_AN_EDIT,
    };
    let first = (nth.saturating_sub(1) % hints.len() as u64) as usize;
    let mut round = hints.iter().cycle().skip(first).take(hints.len());
    *round.find(|hint| fits(hint.gui())).unwrap_or(&hints[0])
}

impl Hint {
    const fn gui(self) -> Gui {
        match self {
            Sentence(gui) | Joined(gui) => gui,
        }
    }

    /// A text that ends in a full stop, with the hint at its end.
    pub(super) fn close(self, text: &str, tongue: Tongue) -> String {
        let (sentence, english, chinese) = words(self.gui());
        match (self, tongue) {
            (Sentence(_), Tongue::English) => format!("{text} {sentence}"),
            (Joined(_), Tongue::English) => format!("{}, {english}", text.trim_end_matches('.')),
            (Sentence(_), Tongue::Chinese) => format!("{text}{chinese}"),
            (Joined(_), Tongue::Chinese) => format!("{}，{chinese}", text.trim_end_matches('。')),
        }
    }
}

/// English as a sentence and after a comma; Chinese is the same in both.
const fn words(gui: Gui) -> (&'static str, &'static str, &'static str) {
    match gui {
        Export => (
            "Click the Export button to save it.",
            "click Export to save it.",
            "点击“导出”按钮保存。",
        ),
        Preview => {
            ("Preview it in the timeline.", "preview it in the timeline.", "可在时间轴中预览。")
        }
        DragTitle => (
            "Drag the title on the timeline to move it.",
            "drag the title on the timeline to move it.",
            "拖拽时间轴上的标题即可移动。",
        ),
        MediaPanel => (
            "Open the media panel to see your uploads.",
            "open the media panel to see your uploads.",
            "打开素材面板查看。",
        ),
        Billing => (
            "Check your account's billing page for credits.",
            "check your account's billing page for credits.",
            "积分请到账户的账单页面查看。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_go_round_and_skip_what_does_not_fit() {
        let any = |nth| hint(Moment::Edit, nth, |_| true);
        assert_eq!(any(1), any(1 + AFTER_AN_EDIT.len() as u64));
        assert_ne!(any(1), any(2));
        assert_eq!(any(2), Sentence(DragTitle));
        assert_eq!(hint(Moment::Edit, 2, |gui| gui != DragTitle), Joined(Export));
    }

    #[test]
    fn content_and_screen_share_a_sentence() {
        let (english, chinese) = ("Your 3.3 s clip is ready.", "字幕已开启。");
        assert_eq!(
            Joined(Export).close(english, Tongue::English),
            "Your 3.3 s clip is ready, click Export to save it."
        );
        assert_eq!(
            Joined(Preview).close(chinese, Tongue::Chinese),
            "字幕已开启，可在时间轴中预览。"
        );
        assert_eq!(
            Sentence(Export).close(chinese, Tongue::Chinese),
            "字幕已开启。点击“导出”按钮保存。"
        );
    }
}
