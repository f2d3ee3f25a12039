//! The bot's own words, in the language of `LOCALE`. Pure.

use std::str::FromStr;

/// A language of the notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// Japanese.
    Ja,
    /// English.
    En,
    /// Traditional Chinese.
    ZhHant,
    /// Korean.
    Ko,
    /// Thai.
    Th,
}

/// The text names no language that the notices are written in.
#[derive(Debug, thiserror::Error)]
#[error("it must be one of ja, en, zh-Hant, ko, th")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;
    fn from_str(text: &str) -> Result<Self, UnknownLocale> {
        match text.to_ascii_lowercase().as_str() {
            "ja" => Ok(Self::Ja),
            "en" => Ok(Self::En),
            "zh-hant" => Ok(Self::ZhHant),
            "ko" => Ok(Self::Ko),
            "th" => Ok(Self::Th),
            _ => Err(UnknownLocale),
        }
    }
}

/// What the bot says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There will be no answer to this question.
    NoAnswer,
    /// The model will not answer this question.
    Refused,
    /// The question does not fit into the model's context.
    TooLong,
    /// Only text is understood.
    NotUnderstood,
    /// The answer ends here because it reached its longest length.
    Cut,
}

impl Notice {
    /// The words.
    pub fn text(self, locale: Locale) -> &'static str {
        use Locale::{En, Ja, Ko, Th, ZhHant};
        match (self, locale) {
            (Self::NoAnswer, Ja) => {
                "ごめんなさい、いまはお返事できませんでした🙏 少し時間をおいて、もう一度送ってください。"
            }
            (Self::NoAnswer, En) => {
                "Sorry, I could not answer this time 🙏 Please send it again in a little while."
            }
            (Self::NoAnswer, ZhHant) => "抱歉，這次沒能回覆您🙏 請稍後再傳一次。",
            (Self::NoAnswer, Ko) => "죄송해요, 이번에는 답변하지 못했어요🙏 잠시 후 다시 보내 주세요.",
            (Self::NoAnswer, Th) => "ขออภัย ครั้งนี้ตอบไม่ได้ 🙏 โปรดลองส่งใหม่อีกครั้งในอีกสักครู่",
            (Self::Refused, Ja) => {
                "ごめんなさい、この内容にはお答えできません🙏 言い方を変えてみてください。"
            }
            (Self::Refused, En) => "Sorry, I cannot answer this one 🙏 Please try putting it differently.",
            (Self::Refused, ZhHant) => "抱歉，這個內容我無法回答🙏 請換個方式再試一次。",
            (Self::Refused, Ko) => "죄송해요, 이 내용에는 답할 수 없어요🙏 다르게 표현해 보세요.",
            (Self::Refused, Th) => "ขออภัย เรื่องนี้ตอบไม่ได้ 🙏 โปรดลองถามด้วยคำอื่น",
            (Self::TooLong, Ja) => {
                "ごめんなさい、メッセージが長すぎて読みきれません🙏 短く分けて送ってください。"
            }
            (Self::TooLong, En) => {
                "Sorry, this message is too long for me 🙏 Please send it in shorter parts."
            }
            (Self::TooLong, ZhHant) => "抱歉，這則訊息太長了🙏 請分成短一點的幾則再傳。",
            (Self::TooLong, Ko) => "죄송해요, 메시지가 너무 길어요🙏 짧게 나누어 보내 주세요.",
            (Self::TooLong, Th) => "ขออภัย ข้อความนี้ยาวเกินไป 🙏 โปรดแบ่งส่งให้สั้นลง",
            (Self::NotUnderstood, Ja) => "ごめんなさい、いまは文字のメッセージだけわかります🙏",
            (Self::NotUnderstood, En) => "Sorry, for now I only understand text messages 🙏",
            (Self::NotUnderstood, ZhHant) => "抱歉，目前我只看得懂文字訊息🙏",
            (Self::NotUnderstood, Ko) => "죄송해요, 지금은 문자 메시지만 이해할 수 있어요🙏",
            (Self::NotUnderstood, Th) => "ขออภัย ตอนนี้เข้าใจเฉพาะข้อความตัวอักษร 🙏",
            (Self::Cut, Ja) => "（長くなったので、ここまでにしますね✂️）",
            (Self::Cut, En) => "(This got long, so it is cut off here ✂️)",
            (Self::Cut, ZhHant) => "（內容太長，先到這裡✂️）",
            (Self::Cut, Ko) => "(길어져서 여기까지만 보낼게요✂️)",
            (Self::Cut, Th) => "(ข้อความยาวเกินไป จึงตัดไว้เท่านี้ ✂️)",
        }
    }
}
