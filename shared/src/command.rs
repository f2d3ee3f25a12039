//! The commands that people give the bot in words. A command is a whole message: a sentence that contains the word of a
//! command is a question like any other. *Accept* knows the commands because a command to forget overtakes other jobs.
//! Pure.
//!
//! The words of all languages are always understood, in full and half width, with or without a slash before them. The
//! persona follows after a colon, or after a space if there is a slash. A word with politeness, marks or emoji around it
//! is a loose form of its command ([`Command::loose`]). A button sends the data of its command ([`Command::data`]),
//! which is never read from a message.

use self::{
    edges::{Edges, Side},
    loose::Around,
    words::Words,
};
use crate::prefix::folded;

mod edges;
mod loose;
#[rustfmt::skip] // A line has many words.
mod words;

/// A command to the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Forget the conversation.
    Forget,
    /// Ask whether to forget the conversation, because the message is only a loose form of *forget*, and what is
    /// forgotten does not come back.
    AskForget,
    /// Keep the conversation: the other answer to that question.
    Keep,
    /// Say what the bot can do.
    Help,
    /// Change the persona to this description, as it was written; `None` asks which personas there are.
    Persona(Option<String>),
    /// Answer the last question again.
    Retry,
    /// Continue where the last answer stopped.
    Continue,
    /// Say what is stored of people, for how long, and who gets it.
    Privacy,
    /// Let a person of the staff talk with this person.
    Handoff,
    /// End the talk with the staff.
    Back,
}

/// The words of each command, as [`folded`] returns them, except that people are shown "AI" in capitals. The help names
/// the first five, and buttons send them: Japanese, English, traditional Chinese, Korean and Thai.
const FORGET: [&str; 11] =
    ["忘れて", "forget", "忘記", "잊어줘", "ลืม", "わすれて", "リセット", "reset", "重置", "초기화", "รีเซ็ต"];
const HELP: [&str; 9] =
    ["ヘルプ", "help", "說明", "도움말", "วิธีใช้", "使い方", "つかいかた", "幫助", "ช่วยเหลือ"];
const PERSONA: [&str; 7] = ["キャラ", "persona", "角色", "캐릭터", "บุคลิก", "ペルソナ", "페르소나"];
const RETRY: [&str; 9] =
    ["もう一度", "retry", "重試", "다시", "ลองใหม่", "もういちど", "やり直し", "やりなおし", "再試一次"];
const CONTINUE: [&str; 8] = ["続けて", "continue", "繼續", "계속", "ต่อ", "つづけて", "続き", "つづき"];
const PRIVACY: [&str; 16] = [
    "プライバシー",
    "privacy",
    "隱私",
    "개인정보",
    "ความเป็นส่วนตัว",
    "プライバシーポリシー",
    "個人情報",
    "privacy policy",
    "隱私權",
    "隱私政策",
    "隱私權政策",
    "個人資料",
    "개인정보처리방침",
    "프라이버시",
    "นโยบายความเป็นส่วนตัว",
    "ข้อมูลส่วนบุคคล",
];

/// The words of the commands that have loose forms.
const WITH_LOOSE_FORMS: [&[&str]; 6] = [&FORGET, &HELP, &PERSONA, &RETRY, &CONTINUE, &PRIVACY];
/// The first characters of all words of loose forms.
static STARTS: Edges = Edges::of(&WITH_LOOSE_FORMS, Side::Start);
/// The last characters of all words of loose forms.
static ENDS: Edges = Edges::of(&WITH_LOOSE_FORMS, Side::End);

/// The words that are no command with a polite word beside them: a call for help, or "please explain".
const PLEAS: [&str; 4] = ["help", "說明", "幫助", "ช่วยเหลือ"];

/// The beginning of the data of the bot's buttons. Other data is of another program, or of the operator.
const DATA_PREFIX: &str = "henji:";
/// The longest data of a button, in UTF-16 code units (LINE, "Postback action").
const DATA_MAX: usize = 300;
const HANDOFF: [&str; 9] = [
    "人と話す",
    "talk to a person",
    "轉接真人",
    "상담원 연결",
    "คุยกับเจ้าหน้าที่",
    "担当者と話す",
    "スタッフと話す",
    "talk to a human",
    "真人客服",
];
const BACK: [&str; 7] =
    ["AIに戻る", "back to the AI", "回到AI", "AI로 돌아가기", "กลับไปคุยกับ AI", "back to AI", "回到 AI"];

/// The most bytes of a command to forget, in any width and with all characters that may be around its word.
const FORGET_MAX_BYTES: usize = 64;

/// The commands that people write as a word.
const BARE: [Command; 8] = [
    Command::Forget,
    Command::Help,
    Command::Persona(None),
    Command::Retry,
    Command::Continue,
    Command::Privacy,
    Command::Handoff,
    Command::Back,
];

/// The characters that [`folded`] converts to a colon.
const COLONS: [char; 4] = [':', '：', '﹕', '︓'];

impl Command {
    /// Whether the command asks the model.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Retry | Self::Continue)
    }

    /// Returns its words in all languages. The first five are in the order of the languages above.
    pub fn words(&self) -> &'static [&'static str] {
        match self {
            Self::Forget | Self::AskForget | Self::Keep => &FORGET,
            Self::Help => &HELP,
            Self::Persona(_) => &PERSONA,
            Self::Retry => &RETRY,
            Self::Continue => &CONTINUE,
            Self::Privacy => &PRIVACY,
            Self::Handoff => &HANDOFF,
            Self::Back => &BACK,
        }
    }

    /// Returns its name in logs and in the data of buttons.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forget => "forget",
            Self::AskForget => "ask-forget",
            Self::Keep => "keep",
            Self::Help => "help",
            Self::Persona(_) => "persona",
            Self::Retry => "retry",
            Self::Continue => "continue",
            Self::Privacy => "privacy",
            Self::Handoff => "handoff",
            Self::Back => "back",
        }
    }

    /// Returns the data of a button that gives this command.
    pub fn data(&self) -> String {
        let name = self.name();
        match self {
            Self::Persona(Some(who)) => format!("{DATA_PREFIX}{name}:{who}"),
            _ => format!("{DATA_PREFIX}{name}"),
        }
    }

    /// Returns the command of a button with this data, if it is a button of the bot.
    pub fn of_data(data: &str) -> Option<Self> {
        let named = data.strip_prefix(DATA_PREFIX)?;
        if data.encode_utf16().nth(DATA_MAX).is_some() {
            return None;
        }
        if let Some(who) = named.strip_prefix("persona:") {
            return Some(Self::persona(who));
        }
        let mut all = BARE.into_iter().chain([Self::AskForget, Self::Keep]);
        all.find(|command| command.name() == named)
    }

    /// Whether this message is the command to forget. A long message is not even folded.
    pub fn is_forget(text: &str) -> bool {
        let text = text.trim();
        text.len() <= FORGET_MAX_BYTES && Self::of(text) == Some(Self::Forget)
    }

    /// Returns the command that this message is, exactly or loosely.
    pub fn said(text: &str) -> Option<Self> {
        Self::of(text).or_else(|| Self::loose(text))
    }

    /// Returns the command whose loose form this message is: its word, with only politeness, marks and emoji around it. A
    /// loose *forget* only asks.
    pub fn loose(text: &str) -> Option<Self> {
        loose::find(text, Self::may_be_loose, Self::of_core)
    }

    /// Whether this core can be a loose form. Only words and sounds are taken away, and a word must be left, so a loose
    /// form begins with a word and ends with a word or a sound. Most sentences do not, and are compared with no word.
    fn may_be_loose(core: &str) -> bool {
        STARTS.may_be_of(core) && (ENDS.may_be_of(core) || loose::without_last_sound(core).is_some())
    }

    /// Returns the command that this core of a loose form is.
    fn of_core(core: &str, around: Around) -> Option<Self> {
        let is = |command: &Self, words: &Words| {
            let is_exact = command.words().contains(&core);
            let is_plea = around != Around::default() && PLEAS.contains(&core);
            (is_exact && !is_plea) || words.has(core)
        };
        let deletes = around.is_whole && words::DELETE.has(core);
        if deletes || is(&Self::AskForget, &words::FORGET) {
            return Some(Self::AskForget);
        }
        let others = [
            (Self::Help, &words::HELP),
            (Self::Persona(None), &words::PERSONA),
            (Self::Retry, &words::RETRY),
            (Self::Continue, &words::CONTINUE),
            (Self::Privacy, &words::PRIVACY),
        ];
        // "All" or "our chat" belongs to no other command.
        let mut others = others.into_iter().filter(|_| !around.is_whole);
        others.find(|(command, words)| is(command, words)).map(|(command, _)| command)
    }

    /// Returns the command that this message is, if it is exactly one.
    pub fn of(text: &str) -> Option<Self> {
        let written = text.trim();
        let text = folded(written);
        let (slash, said) = text.strip_prefix('/').map_or((false, text.as_str()), |said| (true, said.trim()));
        let word = said.trim_end_matches(['。', '.', '!']);
        let is_it = |command: &Self| command.words().iter().any(|it| it.eq_ignore_ascii_case(word));
        if let Some(command) = BARE.into_iter().find(is_it) {
            return Some(command);
        }
        let after = PERSONA.iter().find_map(|word| said.strip_prefix(word))?;
        // The description of the persona is kept as it was written, because names have capitals.
        let who = if after.trim_start().starts_with(':') {
            written.split_once(COLONS)?.1
        } else if slash && after.starts_with(char::is_whitespace) {
            written.trim_start_matches(['/', '／']).trim_start().split_once(char::is_whitespace)?.1
        } else {
            return None;
        };
        Some(Self::persona(who))
    }

    /// Returns the command with this description of the persona; without words, it asks which personas there are.
    fn persona(who: &str) -> Self {
        Self::Persona(Some(who.trim().to_owned()).filter(|who| !who.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_message_is_a_command_in_any_width_and_language() {
        let describes = |who: &str| Command::Persona(Some(who.to_owned()));
        for (text, command) in [
            ("忘れて", Command::Forget),
            (" 忘れて。\n", Command::Forget),
            ("ﾘｾｯﾄ", Command::Forget),
            ("ＦＯＲＧＥＴ", Command::Forget),
            ("Forget!", Command::Forget),
            ("／ｆｏｒｇｅｔ", Command::Forget),
            ("/ help", Command::Help),
            ("使い方", Command::Help),
            ("ペルソナ", Command::Persona(None)),
            ("ペルソナ：", Command::Persona(None)),
            ("ペルソナ：やさしい先生", describes("やさしい先生")),
            ("Persona : a pirate", describes("a pirate")),
            ("ｐｅｒｓｏｎａ：Captain Ⅳ of NASA: a pirate", describes("Captain Ⅳ of NASA: a pirate")),
            ("／persona　Ren", describes("Ren")),
            ("/persona a pirate.", describes("a pirate.")),
            ("もう一度", Command::Retry),
            ("ＲＥＴＲＹ", Command::Retry),
            ("続きを\n", Command::Continue),
            ("つづき", Command::Continue),
            ("계속", Command::Continue),
            ("ต่อ", Command::Continue),
            ("プライバシー。", Command::Privacy),
            ("Privacy Policy", Command::Privacy),
            ("人と話す。", Command::Handoff),
            ("Talk to a person", Command::Handoff),
            ("/กลับไปคุยกับ ai", Command::Back),
            ("ＡＩに戻る", Command::Back),
            ("AIに戻る！", Command::Back),
        ] {
            let expected = (text != "続きを\n").then_some(command);
            assert_eq!(Command::of(text), expected, "{text}");
            assert_eq!(Command::is_forget(text), expected == Some(Command::Forget), "{text}");
        }
    }

    #[test]
    fn the_model_is_asked_to_answer_again_and_to_go_on_and_for_nothing_else() {
        for (command, asks) in [
            (Command::Retry, true),
            (Command::Continue, true),
            (Command::Forget, false),
            (Command::AskForget, false),
            (Command::Keep, false),
            (Command::Help, false),
            (Command::Persona(None), false),
            (Command::Privacy, false),
            (Command::Handoff, false),
            (Command::Back, false),
        ] {
            assert_eq!(command.asks(), asks, "{command:?}");
        }
    }

    #[test]
    fn a_sentence_with_the_word_in_it_is_a_question() {
        for text in [
            "",
            "/",
            "忘れてしまった",
            "忘れて？",
            "何か忘れている気がする",
            "how do I forget her?",
            "please help",
            "help me with maths",
            "ペルソナとは何ですか",
            "ペルソナ 5 は面白い？",
            "persona is a good game: is it?",
            "もう一度言って",
            "続けて走った",
            "continue?",
            "// forget",
            "forget\nforget",
            "人と話すのは苦手です",
            "how do I talk to a person?",
        ] {
            assert_eq!(Command::of(text), None, "{text}");
        }
    }

    #[test]
    fn every_word_is_as_folding_leaves_it_and_means_one_command() {
        let all = [&FORGET[..], &HELP, &PERSONA, &RETRY, &CONTINUE, &PRIVACY, &HANDOFF, &BACK].concat();
        for word in &all {
            assert_eq!(folded(word), word.to_ascii_lowercase());
            assert_eq!(all.iter().filter(|other| *other == word).count(), 1, "{word}");
        }
        assert_eq!(Command::Continue.words()[4], "ต่อ");
    }

    #[test]
    fn a_button_of_the_bot_gives_its_command_and_another_one_gives_none() {
        let pirate = Command::Persona(Some("a pirate: Ann".to_owned()));
        for (data, command) in [
            ("henji:forget", Some(Command::Forget)),
            ("henji:ask-forget", Some(Command::AskForget)),
            ("henji:keep", Some(Command::Keep)),
            ("henji:help", Some(Command::Help)),
            ("henji:persona", Some(Command::Persona(None))),
            ("henji:persona:a pirate: Ann", Some(pirate)),
            ("henji:retry", Some(Command::Retry)),
            ("henji:continue", Some(Command::Continue)),
            ("henji:privacy", Some(Command::Privacy)),
            ("", None),
            ("henji", None),
            ("henji:", None),
            ("henji:forget ", None),
            ("henji:Forget", None),
            ("henji:忘れて", None),
            (" henji:forget", None),
            ("forget", None),
            ("action=buy&itemid=111", None),
        ] {
            assert_eq!(Command::of_data(data), command, "{data}");
            assert!(command.is_none_or(|command| command.data() == data), "{data}");
            assert_eq!(Command::said(data).filter(|_| data.starts_with("henji:")), None, "{data}");
        }
        assert_eq!(Command::of_data("henji:persona: "), Some(Command::Persona(None)));
        let long = |units: usize| format!("henji:persona:{}", "x".repeat(units - "henji:persona:".len()));
        assert!(Command::of_data(&long(300)).is_some());
        assert_eq!(Command::of_data(&long(301)), None);
    }
}
