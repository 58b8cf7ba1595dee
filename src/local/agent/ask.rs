//! What the agent asks: which script, voice and shape a video is to have, if a message requests a
//! video without saying so, or requests to be asked first. The questions are the arguments of a
//! call of the tool `ask_question`, as newer tools of the vendor send it; the turn ends with them,
//! and costs nothing. The answer is the next message: a line `1. <prompt>: <labels>` for each
//! question, or `Skipped`.

use serde_json::{Value, json};

use super::parse::{Action, Instruction, RequestedScript};
use super::phrase::VoiceoverOptions;
use super::speak::{self, MessageValue, Reply, Template};
use super::words::section;
use crate::draft::Language;
use crate::language::tokens::{is_skipped, plain_text};
use crate::local::engine::Gender;
use crate::protocol::Aspect;

/// A request for a video that waits for its answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OpenQuestions {
    language: Language,
    /// Where the script is; `None` if that is asked.
    script: Option<RequestedScript>,
    options: VoiceoverOptions,
    questions: Vec<Question>,
}

/// The message that led to questions, from which they can be asked again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedBy<'m> {
    #[cfg_attr(not(feature = "persistence"), allow(dead_code, reason = "nothing is written"))]
    pub(crate) message: &'m str,
    /// Whether the session has a script that no question is about.
    pub(crate) has_source: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Script,
    Voice,
    Aspect,
    Captions,
}

/// The scripts that are offered to a user who has none. They are English in both languages, because
/// the built-in voices do not speak Chinese.
const SAMPLE_SCRIPTS: &str = section(include_str!("agent.messages"), "SAMPLE_SCRIPTS");
const SAMPLE_LANGUAGE: &str = "en-US";

impl AskedBy<'_> {
    /// Returns where the script is, by the one in the message.
    pub(crate) fn source(self, script: Option<String>) -> Option<RequestedScript> {
        let latest = self.has_source.then_some(RequestedScript::Latest);
        script.map(RequestedScript::Message).or(latest)
    }
}

impl Question {
    /// The id, the prompt, and the ids and terms of the options, the default first.
    const fn row(self) -> (&'static str, Template, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Script => (
                "script",
                speak::WHICH_SCRIPT,
                &[
                    ("greeting", "a morning greeting"),
                    ("weather", "a weather report"),
                    ("opening", "the opening of a shop"),
                ],
            ),
            Self::Voice => (
                "voice",
                speak::WHICH_VOICE,
                &[("female", "a female voice"), ("male", "a male voice")],
            ),
            Self::Aspect => (
                "aspect",
                speak::WHICH_ASPECT,
                &[("16:9", "landscape"), ("9:16", "portrait"), ("1:1", "square")],
            ),
            Self::Captions => (
                "captions",
                speak::WITH_CAPTIONS,
                &[("on", "with captions"), ("off", "without captions")],
            ),
        }
    }

    fn prompt(self, language: Language) -> String {
        Reply::from(self.row().1).text(language)
    }

    fn json(self, language: Language) -> Value {
        let (id, _, options) = self.row();
        let option = |(id, term): &(&str, &str)| json!({ "id": id, "label": MessageValue::term(term).text(language) });
        let options: Vec<Value> = options.iter().map(option).collect();
        json!({
            "id": id,
            "prompt": self.prompt(language),
            "options": options,
            "allow_multiple": false,
        })
    }

    /// Returns the id of the option that an answer names by its id or its label, in any language.
    fn option_of(self, answer: &str) -> Option<&'static str> {
        let answer = plain_text(answer);
        let is_named = |(id, term): &&(&str, &str)| {
            let labels = [Language::English, Language::Chinese]
                .map(|language| MessageValue::term(term).text(language));
            answer == *id || labels.iter().any(|label| plain_text(label) == answer)
        };
        self.row().2.iter().find(is_named).map(|(id, _)| *id)
    }

    fn default_option(self) -> &'static str {
        self.row().2.first().map_or("", |(id, _)| id)
    }
}

impl OpenQuestions {
    /// Creates the questions that a request leaves open.
    pub(crate) fn new(
        language: Language,
        script: Option<RequestedScript>,
        options: VoiceoverOptions,
    ) -> Self {
        let mut questions = Vec::new();
        if script.is_none() {
            questions.push(Question::Script);
        }
        if options.gender.is_none() {
            questions.push(Question::Voice);
        }
        if options.aspect.is_none() {
            questions.push(Question::Aspect);
        }
        if options.captions.is_none() || questions.is_empty() {
            questions.push(Question::Captions);
        }
        Self { language, script, options, questions }
    }

    /// Returns the questions of a message in another process; `None` if it asks for none.
    #[cfg(feature = "persistence")]
    pub(crate) fn again(asked: AskedBy<'_>) -> Option<Self> {
        let Instruction { action, language } = super::parse::parse(asked.message);
        match action {
            Action::Ask { script, options } => {
                Some(Self::new(language, asked.source(script), options))
            }
            _ => None,
        }
    }

    /// Returns the arguments of the tool call.
    pub(crate) fn args(&self) -> Value {
        let questions: Vec<Value> =
            self.questions.iter().map(|question| question.json(self.language)).collect();
        json!({ "title": Reply::from(speak::ASK_TITLE).text(self.language), "questions": questions })
    }

    /// Returns the instruction that a message completes; `None` if the message is no answer.
    pub(crate) fn answer(&self, message: &str) -> Option<Instruction> {
        let message = message.trim();
        let answers = if is_skipped(message) { Vec::new() } else { self.answers(message)? };
        let mut options = self.options.clone();
        let mut script = self.script.clone();
        for (at, question) in self.questions.iter().enumerate() {
            let given = answers.iter().find(|(number, _)| *number == at + 1);
            let text = given
                .map(|(_, text)| text.trim())
                .filter(|text| !text.is_empty() && !is_skipped(text));
            let option = text.and_then(|text| question.option_of(text));
            // What is no option says it in words, as any message may.
            let said = text.map(VoiceoverOptions::parse).unwrap_or_default();
            let chosen = option.unwrap_or_else(|| question.default_option());
            match question {
                Question::Script => {
                    script = Some(RequestedScript::Message(match (text, option) {
                        (Some(text), None) => text.to_owned(),
                        _ => {
                            let language = &mut options.language;
                            language.get_or_insert_with(|| SAMPLE_LANGUAGE.to_owned());
                            sample_script(chosen).to_owned()
                        }
                    }));
                }
                Question::Voice => {
                    let gender = if chosen == "male" { Gender::Male } else { Gender::Female };
                    options.gender = said.gender.filter(|_| option.is_none()).or(Some(gender));
                }
                Question::Aspect => {
                    let aspect = match chosen {
                        "9:16" => Aspect::Portrait,
                        "1:1" => Aspect::Square,
                        _ => Aspect::Landscape,
                    };
                    options.aspect = said.aspect.filter(|_| option.is_none()).or(Some(aspect));
                }
                Question::Captions => {
                    let captions = said.captions.filter(|_| option.is_none());
                    options.captions = captions.or(Some(chosen == "on"));
                }
            }
        }
        let script = script.unwrap_or(RequestedScript::Latest);
        Some(Instruction { action: Action::Voiceover { script, options }, language: self.language })
    }

    /// Returns the answers by the numbers of their questions. A line that does not begin an answer
    /// continues the one before it; a message that does not begin with an answer is none.
    fn answers(&self, message: &str) -> Option<Vec<(usize, String)>> {
        let mut answers: Vec<(usize, String)> = Vec::new();
        let mut is_script_prompted = false;
        for line in message.lines() {
            let begun = self.numbered(line).filter(|begun| {
                let is_new = answers.iter().all(|(number, _)| *number != begun.number);
                // A script may hold numbered lines of its own, such as the steps of a recipe.
                let is_in_script =
                    answers.last().is_some_and(|(number, _)| self.is_script(*number));
                let is_clear = begun.is_prompted || (!is_script_prompted && begun.is_answer());
                is_new && (is_clear || !is_in_script)
            });
            match (begun, answers.last_mut()) {
                (Some(begun), _) => {
                    is_script_prompted |= begun.is_prompted && self.is_script(begun.number);
                    answers.push((begun.number, begun.text.to_owned()));
                }
                (None, Some((_, text))) => {
                    text.push('\n');
                    text.push_str(line);
                }
                (None, None) if line.trim().is_empty() => {}
                (None, None) => return None,
            }
        }
        (!answers.is_empty()).then_some(answers)
    }

    fn is_script(&self, number: usize) -> bool {
        number.checked_sub(1).and_then(|at| self.questions.get(at)) == Some(&Question::Script)
    }

    /// Splits `1. <prompt>: <labels>`, `1. <label>` or `1. skip`. The number must be that of a
    /// question.
    fn numbered<'l>(&self, line: &'l str) -> Option<NumberedLine<'l>> {
        let line = line.trim_start();
        let (number, rest) = line.split_once(['.', ')', '、'])?;
        let number: usize = number.parse().ok()?;
        let question = *self.questions.get(number.checked_sub(1)?)?;
        let rest = rest.trim();
        // Without the prompt: an option may have a colon in it, such as `9:16`.
        if question.option_of(rest).is_some() || is_skipped(rest) {
            return Some(NumberedLine { number, question, is_prompted: false, text: rest });
        }
        let prompt = question.prompt(self.language);
        let after = rest.strip_prefix(prompt.as_str());
        let (before, text) = after.unwrap_or(rest).split_once([':', '：'])?;
        let is_prompted = after.is_some() && before.trim().is_empty();
        Some(NumberedLine { number, question, is_prompted, text: text.trim() })
    }
}

/// A line that may begin the answer to a question.
#[derive(Clone, Copy, Debug)]
struct NumberedLine<'l> {
    number: usize,
    question: Question,
    /// Whether the line repeats the prompt, as an answer in the documented form does.
    is_prompted: bool,
    text: &'l str,
}

impl NumberedLine<'_> {
    /// Returns whether the text answers this very question, by an option or in words.
    fn is_answer(&self) -> bool {
        let said = VoiceoverOptions::parse(self.text);
        let is_said = match self.question {
            Question::Script => false,
            Question::Voice => said.gender.is_some(),
            Question::Aspect => said.aspect.is_some(),
            Question::Captions => said.captions.is_some(),
        };
        is_said || is_skipped(self.text) || self.question.option_of(self.text).is_some()
    }
}

fn sample_script(id: &str) -> &'static str {
    let mut scripts = SAMPLE_SCRIPTS.lines().filter_map(|row| row.split_once(" = "));
    scripts.find(|(script, _)| *script == id).map_or("", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions(language: Language, script: Option<&str>) -> OpenQuestions {
        let script = script.map(|script| RequestedScript::Message(script.to_owned()));
        OpenQuestions::new(language, script, VoiceoverOptions::default())
    }

    /// The script, voice, aspect and captions of an answer.
    fn answered(open: &OpenQuestions, message: &str) -> (String, Gender, Aspect, bool) {
        match open.answer(message).expect("an answer").action {
            Action::Voiceover { script: RequestedScript::Message(script), options } => (
                script,
                options.gender.unwrap(),
                options.aspect.unwrap(),
                options.captions.unwrap(),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_have_the_documented_form() {
        let args = questions(Language::English, Some("Hi.")).args();
        assert_eq!(args["title"], "Before I make the video");
        let ids: Vec<&str> = args["questions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|question| question["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["voice", "aspect", "captions"]);
        assert_eq!(
            args["questions"][0],
            json!({
                "id": "voice",
                "prompt": "Which voice?",
                "options": [
                    { "id": "female", "label": "a female voice" },
                    { "id": "male", "label": "a male voice" },
                ],
                "allow_multiple": false,
            })
        );
        let chinese = questions(Language::Chinese, None).args();
        assert_eq!(chinese["questions"].as_array().unwrap().len(), 4);
        assert_eq!(chinese["questions"][1]["options"][1]["label"], "男声");
    }

    #[test]
    fn an_answer_is_read_by_labels_ids_and_words() {
        let open = questions(Language::English, Some("Hi."));
        let male = ("Hi.".to_owned(), Gender::Male, Aspect::Portrait, false);
        for message in [
            "1. Which voice?: a male voice\n2. Which aspect ratio?: portrait\n\
             3. Shall there be captions?: without captions",
            "1. Which voice?: male\n2. Which aspect ratio?: 9:16\n3. Shall there be captions?: off",
            "3) captions: without captions\n1) voice: A Male Voice\n2) shape: Portrait",
            "1. male\n2. 9:16\n3. Without captions",
            "1. Which voice?: a deep male voice, please\n2. Which aspect ratio?: make it portrait\n\
             3. Shall there be captions?: no captions",
        ] {
            assert_eq!(answered(&open, message), male, "{message}");
        }
        let defaults = ("Hi.".to_owned(), Gender::Female, Aspect::Landscape, true);
        for message in [
            "Skipped",
            " skipped.\n",
            "Skip it!",
            "跳过",
            "略过",
            "1. Which voice?: ",
            "2. shape: what?",
            "1. skip",
        ] {
            assert_eq!(answered(&open, message), defaults, "{message}");
        }
        for message in ["add a title 'x'", "", "4. what: ever", "male", "undo"] {
            assert_eq!(open.answer(message), None, "{message}");
        }
    }

    #[test]
    fn a_script_is_chosen_or_written() {
        let open = questions(Language::Chinese, None);
        let (script, ..) = answered(&open, "1. 念哪一段？: 天气预报\n2. 用什么声音？: 男声");
        assert!(script.contains("sunny"), "{script}");
        let (script, gender, ..) =
            answered(&open, "1. 念哪一段？：One line.\nAnother: line.\n2. 用什么声音？：男声");
        assert_eq!((script.as_str(), gender), ("One line.\nAnother: line.", Gender::Male));
        for message in ["Skipped", "1. 念哪一段？: Skipped\n2. 用什么声音？: 跳过"] {
            assert!(answered(&open, message).0.contains("Good morning"), "{message}");
        }
        for (id, _) in Question::Script.row().2 {
            assert!(!sample_script(id).is_empty(), "{id}");
        }
    }

    #[test]
    fn a_script_keeps_its_numbered_lines() {
        let open = questions(Language::English, None);
        let recipe = "My pasta.\n1. Salt: a spoon.\n2. Boil: the water\n3) Stir: well\n4. Eat: now";
        let prompted = format!("1. {}: {recipe}", Question::Script.prompt(Language::English));
        let rest = "2. Which voice?: a male voice\n3. Which aspect ratio?: portrait\n\
                    4. Shall there be captions?: without captions";
        let defaults = (Gender::Female, Aspect::Landscape, true);
        let chosen = (Gender::Male, Aspect::Portrait, false);
        for (message, expected) in [
            (prompted.clone(), defaults),
            (format!("{prompted}\n{rest}"), chosen),
            (format!("{rest}\n{prompted}"), chosen),
            (format!("1. script: {recipe}"), defaults),
            (
                format!("1. script: {recipe}\n2. voice: male\n3. shape: 9:16\n4) captions: off"),
                chosen,
            ),
        ] {
            let (script, gender, aspect, captions) = answered(&open, &message);
            assert_eq!(script, recipe, "{message}");
            assert_eq!((gender, aspect, captions), expected, "{message}");
        }
        // In the documented form, not even a line that would be an answer ends the script.
        let message = format!("{prompted}\n2. The voice: male\n{rest}");
        let (script, gender, ..) = answered(&open, &message);
        assert_eq!(script, format!("{recipe}\n2. The voice: male"));
        assert_eq!(gender, Gender::Male);
    }
}
