//! The user's response to a question of the agent.

use crate::error::{Error, Result};
use crate::language::tokens::is_skipped;
use crate::protocol::event::{Question, QuestionItem};

/// The message for a question that the user does not answer.
const SKIPPED: &str = "Skipped";

/// A response to the agent's [`Question`], which [`Project::respond_to`](super::Project::respond_to)
/// sends. Every question that is not answered is skipped.
///
/// ```
/// use nemovideo::project::QuestionResponse;
/// use nemovideo::protocol::event::AgentEvent;
///
/// let data = r#"{"type":"tool_call","name":"ask_question","args":{"questions":[
///     {"prompt":"Which format?","options":[{"id":"p","label":"Portrait"},{"label":"Square"}]},
///     {"prompt":"Which title?"}]}}"#;
/// let [AgentEvent::Question(question)] = &AgentEvent::decode("message", data)[..] else {
///     panic!("a question");
/// };
/// let response = QuestionResponse::new().answer(0, "portrait").answer(1, "Morning Brew");
/// let message = response.message(question)?;
/// assert_eq!(message, "1. Which format?: Portrait\n2. Which title?: Morning Brew");
///
/// assert!(QuestionResponse::new().answer(0, "Round").message(question).is_err());
/// assert_eq!(QuestionResponse::new().message(question)?, "Skipped");
/// # Ok::<(), nemovideo::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuestionResponse {
    /// The index of a question and the answer to it, in the order of the calls.
    answers: Vec<(usize, String)>,
}

impl QuestionResponse {
    /// Creates a response that skips every question.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the question at `index`, counted from 0. The answer is the label of an option, its id,
    /// or its number counted from 1, and is looked up in this order; to a question without options,
    /// it is any text. Call it again for each further option.
    #[must_use]
    pub fn answer(mut self, index: usize, answer: impl Into<String>) -> Self {
        self.answers.push((index, answer.into()));
        self
    }

    /// Reads a reply that a user typed to a question. Returns `None` if the reply is not understood;
    /// it should then be sent as it is.
    ///
    /// A line answers one question. It holds labels, numbers or ids of options, separated by commas,
    /// and is looked up in this order, since the user sees no ids. To a question without options, it
    /// is any text. If there are several questions, there is one line for each, or the number of the
    /// question precedes each answer, as in "2. Square". "skip" skips a question.
    ///
    /// ```
    /// # use nemovideo::protocol::event::AgentEvent;
    /// # let data = r#"{"type":"tool_call","name":"ask_question","args":{"questions":[
    /// #     {"prompt":"Which format?","options":[{"id":"p","label":"Portrait"},{"label":"Square"}]}]}}"#;
    /// # let [AgentEvent::Question(question)] = &AgentEvent::decode("message", data)[..] else {
    /// #     panic!("a question");
    /// # };
    /// use nemovideo::project::QuestionResponse;
    ///
    /// let response = QuestionResponse::parse(question, "2").expect("an option");
    /// assert_eq!(response.message(question)?, "1. Which format?: Square");
    /// assert_eq!(QuestionResponse::parse(question, "whatever you like"), None);
    /// # Ok::<(), nemovideo::Error>(())
    /// ```
    #[must_use]
    pub fn parse(question: &Question, reply: &str) -> Option<Self> {
        let reply = reply.trim();
        let items = &question.items;
        if items.is_empty() || reply.is_empty() {
            return None;
        }
        if let [item] = &items[..] {
            // Free text may have several lines, and begin with a number.
            let numbered = || without_number(reply).filter(|(at, _)| *at == 0);
            let answers = answers_to(item, reply).or_else(|| answers_to(item, numbered()?.1))?;
            return Some(Self { answers: answers.into_iter().map(|answer| (0, answer)).collect() });
        }
        if is_skipped(reply) {
            return Some(Self::new());
        }
        let lines: Vec<&str> =
            reply.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let numbered: Option<Vec<_>> = lines.iter().map(|line| without_number(line)).collect();
        let lines = match numbered {
            Some(lines) => lines,
            None if lines.len() == items.len() => lines.into_iter().enumerate().collect(),
            None => return None,
        };
        let mut response = Self::new();
        for (at, line) in lines {
            let answers = answers_to(items.get(at)?, line)?;
            response.answers.extend(answers.into_iter().map(|answer| (at, answer)));
        }
        Some(response)
    }

    /// Returns the message in response to a question: a line `1. <prompt>: <answers>` for each, or
    /// `Skipped`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an answer that is no option of its question, for several answers
    /// where one is allowed, for a blank answer, and for a question that does not exist.
    pub fn message(&self, question: &Question) -> Result<String> {
        let count = question.items.len();
        if let Some((at, _)) = self.answers.iter().find(|(at, _)| *at >= count) {
            let what = format!("there is no question {}: the agent asked {count}", at + 1);
            return Err(Error::InvalidInput(what));
        }
        let mut lines = Vec::with_capacity(count);
        for (at, item) in question.items.iter().enumerate() {
            let mut answers: Vec<String> = Vec::new();
            for (_, answer) in self.answers.iter().filter(|(index, _)| *index == at) {
                let answer = checked(item, answer)?;
                if !answers.contains(&answer) {
                    answers.push(answer);
                }
            }
            if answers.len() > 1 && !item.allow_multiple {
                let what = format!("“{}” takes one answer", item.prompt);
                return Err(Error::InvalidInput(what));
            }
            let said = if answers.is_empty() { SKIPPED.to_owned() } else { answers.join(", ") };
            lines.push(format!("{}. {}: {said}", at + 1, item.prompt));
        }
        Ok(if self.answers.is_empty() { SKIPPED.to_owned() } else { lines.join("\n") })
    }
}

/// Returns the message to send for what a user writes while a question is open.
pub(super) fn message_of(question: &Question, reply: &str) -> String {
    let message = QuestionResponse::parse(question, reply)
        .and_then(|response| response.message(question).ok());
    message.unwrap_or_else(|| reply.to_owned())
}

/// Returns whether a reply only names options of the question or skips it.
pub(super) fn names_options(question: &Question, reply: &str) -> bool {
    QuestionResponse::parse(question, reply).is_some_and(|response| {
        response.answers.iter().all(|(at, _)| !question.items[*at].options.is_empty())
    })
}

/// Splits the number of a question, counted from 1, off a line; returns its index.
fn without_number(line: &str) -> Option<(usize, &str)> {
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let rest = line[end..].strip_prefix(['.', ':', ')', '、', '：'])?;
    let number: usize = line[..end].parse().ok()?;
    Some((number.checked_sub(1)?, rest.trim()))
}

/// Returns the labels of the options that a line names, or the line where there are no options;
/// nothing for a line that skips the question.
fn answers_to(item: &QuestionItem, line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    if let Some(label) = option(item, line, Number::BeforeId) {
        return Some(vec![label.to_owned()]);
    }
    if is_skipped(line) {
        return Some(Vec::new());
    }
    // The line may repeat the prompt, as the message does.
    if !item.prompt.is_empty()
        && let Some(rest) = line.strip_prefix(item.prompt.as_str())
        && let Some(rest) = rest.trim_start().strip_prefix([':', '：'])
    {
        return answers_to(item, rest);
    }
    if item.options.is_empty() {
        return Some(vec![line.to_owned()]);
    }
    let parts = line.split([',', '，', '、', ';', '\n']);
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    let labels: Option<Vec<_>> =
        parts.map(|part| option(item, part, Number::BeforeId).map(str::to_owned)).collect();
    labels.filter(|labels| item.allow_multiple && !labels.is_empty())
}

/// What a number names that is the number of one option and the id of another.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    /// The option that is shown under it: a user sees no ids.
    BeforeId,
    /// The option with this id: a program does not see the numbers.
    AfterId,
}

/// Returns the label of the option with this label, id or number.
fn option<'q>(item: &'q QuestionItem, answer: &str, number: Number) -> Option<&'q str> {
    let answer = answer.trim().trim_end_matches(['.', '。']);
    let is_same =
        |text: &str| text.trim_end_matches(['.', '。']).to_lowercase() == answer.to_lowercase();
    let options = &item.options;
    let by_label = options.iter().find(|option| is_same(&option.label));
    let by_id = || options.iter().find(|option| option.id.as_deref().is_some_and(is_same));
    let by_number = || {
        let number: usize = answer.trim_end_matches(')').parse().ok()?;
        options.get(number.checked_sub(1)?)
    };
    let found = by_label.or_else(|| match number {
        Number::BeforeId => by_number().or_else(by_id),
        Number::AfterId => by_id().or_else(by_number),
    });
    found.map(|option| option.label.as_str())
}

/// Returns an answer as it is sent, or an error if the question does not allow it.
fn checked(item: &QuestionItem, answer: &str) -> Result<String> {
    let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    if answer.is_empty() {
        return Err(Error::InvalidInput(format!("the answer to “{}” is blank", item.prompt)));
    }
    if item.options.is_empty() {
        return Ok(answer);
    }
    option(item, &answer, Number::AfterId).map(str::to_owned).ok_or_else(|| {
        let labels: Vec<_> = item.options.iter().map(|option| option.label.as_str()).collect();
        let labels = labels.join("”, “");
        Error::InvalidInput(format!("“{answer}” is none of the options “{labels}”"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::AgentEvent;

    fn question(items: &str) -> Question {
        let data = format!(
            r#"{{"type":"tool_call","name":"ask_question","args":{{"questions":{items}}}}}"#
        );
        match AgentEvent::decode("message", &data).remove(0) {
            AgentEvent::Question(question) => question,
            other => panic!("{other:?}"),
        }
    }

    const FORMAT: &str = r#"{"prompt":"Which format?",
        "options":[{"id":"p","label":"Portrait"},{"id":"9x9","label":"Square, small"}]}"#;
    const MUSIC: &str = r#"{"prompt":"Which music?","allow_multiple":true,
        "options":[{"id":"a","label":"Jazz"},{"label":"Lo-fi"},{"label":"None"}]}"#;
    const TITLE: &str = r#"{"prompt":"Which title?"}"#;

    #[test]
    fn a_reply_as_typed_becomes_the_documented_message() {
        let format = question(&format!("[{FORMAT}]"));
        for (reply, expected) in [
            ("1", Some("1. Which format?: Portrait")),
            (" 2) ", Some("1. Which format?: Square, small")),
            ("portrait.", Some("1. Which format?: Portrait")),
            ("9X9", Some("1. Which format?: Square, small")),
            ("square, small", Some("1. Which format?: Square, small")),
            ("1. Portrait", Some("1. Which format?: Portrait")),
            ("1. Which format?: Portrait", Some("1. Which format?: Portrait")),
            ("skip", Some("Skipped")),
            ("跳过。", Some("Skipped")),
            ("1, 2", None),
            ("3", None),
            ("0", None),
            ("export", None),
            ("portrait, but with a border", None),
            ("", None),
        ] {
            let response = QuestionResponse::parse(&format, reply);
            let message = response.map(|response| response.message(&format).unwrap());
            assert_eq!(message.as_deref(), expected, "{reply:?}");
            assert_eq!(message_of(&format, reply), expected.unwrap_or(reply));
        }
        let title = question(&format!("[{TITLE}]"));
        assert_eq!(message_of(&title, "export"), "1. Which title?: export");
        assert_eq!(message_of(&title, "a\nb"), "1. Which title?: a b");
        assert_eq!(message_of(&title, "Which title?: Brew"), "1. Which title?: Brew");
        assert_eq!(message_of(&title, "skip"), "Skipped");
        let music = question(&format!("[{MUSIC}]"));
        assert_eq!(message_of(&music, "1，lo-fi"), "1. Which music?: Jazz, Lo-fi");
        assert_eq!(message_of(&music, "a, a"), "1. Which music?: Jazz");
        assert_eq!(message_of(&music, "none"), "1. Which music?: None");
        assert_eq!(message_of(&music, "jazz, rock"), "jazz, rock");

        let both = question(&format!("[{FORMAT},{MUSIC},{TITLE}]"));
        let all = "1. Which format?: Portrait\n2. Which music?: Jazz, Lo-fi\n3. Which title?: Brew";
        assert_eq!(message_of(&both, "1\n1, 2\nBrew"), all);
        assert_eq!(message_of(&both, "3. Brew\n1: p\n2) jazz, 2"), all);
        assert_eq!(message_of(&both, all), all);
        let one = "1. Which format?: Skipped\n2. Which music?: Lo-fi\n3. Which title?: Skipped";
        assert_eq!(message_of(&both, "2. Lo-fi\n1. skip"), one);
        assert_eq!(message_of(&both, "Portrait"), "Portrait");
        assert_eq!(message_of(&both, "4. Portrait"), "4. Portrait");
        assert_eq!(message_of(&question("[]"), "1"), "1");
    }

    #[test]
    fn a_number_that_is_an_id_too_names_what_is_shown_under_it() {
        let counted = question(
            r#"[{"prompt":"Which?","allow_multiple":true,"options":[{"id":"0","label":"Portrait"},
                {"id":"1","label":"Landscape"},{"id":"2","label":"Square"}]}]"#,
        );
        for (typed, answered, expected) in [
            ("1", "0", "1. Which?: Portrait"),
            ("2", "1", "1. Which?: Landscape"),
            ("3", "2", "1. Which?: Square"),
            // Only one of both is there.
            ("0", "3", "1. Which?: "),
        ] {
            let by_number = message_of(&counted, typed);
            assert!(by_number.starts_with(expected), "{typed}: {by_number}");
            let by_id = QuestionResponse::new().answer(0, answered).message(&counted).unwrap();
            assert!(by_id.starts_with(expected), "{answered}: {by_id}");
        }
        assert_eq!(message_of(&counted, "1, 3"), "1. Which?: Portrait, Square");
    }

    #[test]
    fn only_options_and_skips_are_a_response_before_all_else() {
        let format = question(&format!("[{FORMAT}]"));
        let mixed = question(&format!("[{FORMAT},{TITLE}]"));
        for (question, reply, expected) in [
            (&format, "2", true),
            (&format, "portrait.", true),
            (&format, "p", true),
            (&format, "skip", true),
            (&format, "export", false),
            (&format, "portrait, but wider", false),
            (&mixed, "1. p", true),
            (&mixed, "1. p\n2. skip", true),
            (&mixed, "p\nBrew", false),
            (&question(&format!("[{TITLE}]")), "export", false),
        ] {
            assert_eq!(names_options(question, reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn a_response_is_checked_against_its_question() {
        let both = question(&format!("[{FORMAT},{MUSIC},{TITLE}]"));
        let response = QuestionResponse::new();
        assert_eq!(response.message(&both).unwrap(), "Skipped");
        let full = response.clone().answer(2, " Morning\nBrew ").answer(1, "jazz").answer(1, "2");
        assert_eq!(
            full.answer(0, "p").message(&both).unwrap(),
            "1. Which format?: Portrait\n2. Which music?: Jazz, Lo-fi\n3. Which title?: Morning Brew"
        );
        for (response, reason) in [
            (response.clone().answer(0, "Round"), "none of the options “Portrait”"),
            (response.clone().answer(0, "1").answer(0, "2"), "takes one answer"),
            (response.clone().answer(1, "jazz, rock"), "none of the options"),
            (response.clone().answer(2, " \n"), "is blank"),
            (response.clone().answer(3, "x"), "there is no question 4"),
        ] {
            let error = response.message(&both).unwrap_err();
            assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        // The same option twice is one answer.
        let twice = response.answer(0, "p").answer(0, "Portrait").message(&both).unwrap();
        assert!(twice.starts_with("1. Which format?: Portrait\n"), "{twice}");
    }
}
