//! "I encountered a temporary issue": what the service adds behind normal answers.

/// Whether the sentence says that and nothing else.
pub(super) fn is_trouble(sentence: &str) -> bool {
    let text = sentence.to_lowercase().replace('’', "'");
    let text = after_courtesy(&text);
    english(text).or_else(|| chinese(text)).is_some_and(|tail| {
        let tail = tail.trim_start_matches(|c: char| !c.is_alphanumeric());
        tail.is_empty()
            || is_try_again(tail)
            || ["processing your request", "while processing your request", "with your request"]
                .iter()
                .any(|end| {
                    tail.strip_prefix(end).is_some_and(|rest| !rest.contains(char::is_alphanumeric))
                })
    })
}

/// Whether the sentence asks to try again; alone it is no trouble.
pub(super) fn is_try_again(sentence: &str) -> bool {
    const ENGLISH: &[&str] = &[
        "again", "later", "in", "a", "an", "moment", "few", "minute", "minutes", "second",
        "seconds", "shortly", "little", "bit", "while", "soon", "and", "or", "your", "the",
        "request", "message", "try", "retry", "resend", "wait", "please",
    ];
    const CHINESE: &str = "请您稍后候等再重试一次下片刻过会儿吧尝";
    let text = sentence.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let asks = ["try", "retry", "resend", "wait", "稍后", "稍候", "重试", "再试"];
    asks.iter().any(|ask| text.contains(ask))
        && words.all(|word| ENGLISH.contains(&word) || word.chars().all(|c| CHINESE.contains(c)))
}

fn after_courtesy(text: &str) -> &str {
    const COURTESIES: &[&str] = &[
        "sorry",
        "i'm sorry",
        "i am sorry",
        "oops",
        "apologies",
        "my apologies",
        "i apologize",
        "unfortunately",
        "but",
        "however",
        "it seems",
        "it looks like",
        "抱歉",
        "非常抱歉",
        "很抱歉",
        "对不起",
        "不好意思",
    ];
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let Some(after) = COURTESIES.iter().find_map(|word| {
            rest.strip_prefix(*word)
                .filter(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
        }) else {
            return rest;
        };
        rest = after;
    }
}

/// What follows the issue.
fn english(text: &str) -> Option<&str> {
    const MEETS: &[&str] = &[
        "i encountered",
        "i've encountered",
        "i have encountered",
        "i ran into",
        "i've run into",
        "i have run into",
        "i hit",
        "i've hit",
        "i'm experiencing",
        "i am experiencing",
        "i experienced",
        "i'm having",
        "i had",
        "we encountered",
        "we ran into",
        "there was",
        "there is",
        "encountered",
    ];
    let text = MEETS.iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text).trim_start();
    let text = ["a ", "some "].iter().find_map(|article| text.strip_prefix(article))?;
    let text = ["temporary ", "temporarily "].iter().find_map(|word| text.strip_prefix(word))?;
    let text = text.strip_prefix("technical ").unwrap_or(text);
    let tail = ["issues", "issue", "problem", "error", "glitch", "hiccup", "difficulty", "outage"]
        .iter()
        .find_map(|noun| text.strip_prefix(noun))?;
    let tail = tail.strip_prefix(" occurred").unwrap_or(tail);
    (!tail.starts_with(char::is_alphanumeric)).then_some(tail)
}

fn chinese(text: &str) -> Option<&str> {
    const MEETS: &[&str] = &["遇到了", "遇到", "出现了", "出现", "发生了", "发生"];
    let skip = |text: &str, words: &[&str]| {
        words.iter().find(|word| text.starts_with(**word)).map_or(0, |word| word.len())
    };
    let mut rest = text;
    for words in [&["我们", "我", "系统"][..], &["刚刚", "刚才", "这边"]] {
        rest = &rest[skip(rest, words)..];
    }
    let meets = skip(rest, MEETS);
    rest = &rest[meets..];
    rest = &rest[skip(rest, &["一个", "一些", "一点", "了"])..];
    let temporary = skip(rest, &["临时性", "暂时性", "临时", "暂时"]);
    rest = &rest[temporary..];
    for words in [&["的"][..], &["技术", "系统", "小"]] {
        rest = &rest[skip(rest, words)..];
    }
    let noun = skip(rest, &["问题", "故障", "错误", "状况"]);
    (meets > 0 && temporary > 0 && noun > 0).then(|| &rest[noun..])
}

#[cfg(test)]
mod tests {
    use super::{is_trouble, is_try_again};

    #[test]
    fn the_issue_is_known_in_its_variants_and_nothing_else_is() {
        for trouble in [
            "I encountered a temporary issue",
            "I encountered a temporary issue.",
            "Sorry, I ran into a temporary problem, please try again later.",
            "I’ve encountered a temporary issue while processing your request.",
            "A temporary error occurred.",
            "我遇到了一个临时问题。",
            "抱歉，出现了暂时性的技术故障，请稍后再试。",
        ] {
            assert!(is_trouble(trouble), "{trouble}");
        }
        for other in [
            "I encountered a temporary issue with the music, so I took another song.",
            "The shop had a temporary issue.",
            "I ran into a temporary tattoo parlour.",
            "我遇到了一个老朋友。",
            "临时问题已经解决。",
            "",
        ] {
            assert!(!is_trouble(other), "{other}");
        }
        assert!(is_try_again("Please try again in a moment."));
        assert!(!is_try_again("The heroine tries again."));
    }
}
