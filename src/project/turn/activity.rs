//! What a tool of the agent does, for people. The service documents only a few names of tools, so
//! an activity is found by the words in a name.

use crate::draft::Language;

/// What the agent does with a tool.
///
/// ```
/// use nemovideo::draft::Language;
/// use nemovideo::project::ToolActivity;
///
/// let activity = ToolActivity::of("generate_video_with_seedance").expect("a known word");
/// assert_eq!(activity, ToolActivity::GeneratingVideo);
/// assert_eq!(activity.in_language(Language::English), "generating video");
/// assert_eq!(ToolActivity::of("frobnicate"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ToolActivity {
    /// It analyzes media that the user uploaded.
    Analyzing,
    /// It asks the user.
    Asking,
    /// It records a voiceover.
    RecordingVoiceover,
    /// It generates music.
    GeneratingMusic,
    /// It adds captions or titles.
    AddingText,
    /// It edits the timeline.
    Editing,
    /// It generates images.
    GeneratingImages,
    /// It generates video.
    GeneratingVideo,
}

/// The words of names, and what each means. The first row of which a word occurs applies:
/// `edit_video` edits, `generate_video_voiceover` records a voiceover. The documented words are
/// `generate_video`, `generate_music`, `voiceover`, `draft`, `multitrack`, `understand` and
/// `analyze`; the rest are their usual synonyms.
const TABLE: &[(ToolActivity, &str)] = &[
    (ToolActivity::Asking, "ask question clarify"),
    (ToolActivity::Analyzing, "understand analyze analyse analysis inspect transcribe detect"),
    (ToolActivity::RecordingVoiceover, "voiceover voice narrate narration speech tts speak"),
    (ToolActivity::GeneratingMusic, "music bgm soundtrack song"),
    (ToolActivity::AddingText, "caption captions subtitle subtitles title titles"),
    (
        ToolActivity::Editing,
        "draft multitrack track tracks timeline edit trim cut undo redo finish arrange",
    ),
    (ToolActivity::GeneratingImages, "image images picture photo"),
    (ToolActivity::GeneratingVideo, "video videos seedance clip clips footage animate"),
];

impl ToolActivity {
    /// Returns the activity of a tool by its name; `None` for a name without a known word.
    #[must_use]
    pub fn of(tool: &str) -> Option<Self> {
        let words = words(tool);
        let has = |known: &str| words.iter().any(|word| known.split(' ').any(|w| w == word));
        TABLE.iter().find(|(_, known)| has(known)).map(|(activity, _)| *activity)
    }

    /// Returns the activity in words.
    #[must_use]
    pub fn in_language(self, language: Language) -> &'static str {
        let [english, chinese] = match self {
            Self::Analyzing => ["analyzing the media", "正在分析素材"],
            Self::Asking => ["asking you", "正在向您提问"],
            Self::RecordingVoiceover => ["recording the voiceover", "正在生成配音"],
            Self::GeneratingMusic => ["generating music", "正在生成音乐"],
            Self::AddingText => ["adding text", "正在添加文字"],
            Self::Editing => ["editing the timeline", "正在编辑时间线"],
            Self::GeneratingImages => ["generating images", "正在生成图片"],
            Self::GeneratingVideo => ["generating video", "正在生成视频"],
        };
        if language == Language::Chinese { chinese } else { english }
    }
}

/// Returns the words of a name in lower case: those of `generateVideo2` are `generate` and `video`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphabetic() || (was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        if c.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{Language, TABLE, ToolActivity, words};

    #[test]
    fn the_documented_names_have_their_activities() {
        use ToolActivity::*;
        for (name, activity) in [
            ("generate_video_with_seedance", GeneratingVideo),
            ("generateVideo", GeneratingVideo),
            ("edit_multitrack", Editing),
            ("update-draft", Editing),
            ("edit_video", Editing),
            ("generate_music", GeneratingMusic),
            ("generate_voiceover", RecordingVoiceover),
            ("add_voice_over", RecordingVoiceover),
            ("understand_video", Analyzing),
            ("AnalyzeMedia", Analyzing),
            ("ask_question", Asking),
            ("GENERATE_IMAGE", GeneratingImages),
            ("add_subtitles", AddingText),
        ] {
            assert_eq!(ToolActivity::of(name), Some(activity), "{name}");
        }
        for name in ["", "42", "frobnicate", "videotape", "task"] {
            assert_eq!(ToolActivity::of(name), None, "{name}");
        }
        assert_eq!(words("generateVideo2HD"), ["generate", "video", "hd"]);
    }

    #[test]
    fn every_activity_has_words_in_both_languages() {
        for (activity, _) in TABLE {
            let texts = [Language::English, Language::Chinese].map(|l| activity.in_language(l));
            assert!(texts[0].is_ascii() && !texts[1].is_ascii(), "{texts:?}");
        }
    }
}
