//! What there is to be said in each language.

/// Everything that the bot says of itself, in one language.
pub struct Words {
    /// There will be no answer to this question. It points to the button that asks again.
    pub no_answer: &'static str,
    /// The same where there is no button: in a group, and where an operator tells it.
    pub no_answer_no_button: &'static str,
    /// The model will not answer this question.
    pub refused: &'static str,
    /// The question does not fit into the model's context.
    pub too_long: &'static str,
    /// Messages of this kind are not understood.
    pub not_understood: &'static str,
    /// Below an answer that ends because it reached its longest length.
    pub cut: &'static str,
    /// The answer takes longer than usual.
    pub still_thinking: &'static str,
    /// The day's answers are used up.
    pub limit_answers: &'static str,
    /// The day's tokens are used up.
    pub limit_tokens: &'static str,
    /// The bot is not for this person.
    pub not_allowed: &'static str,
    /// The question has more characters than this.
    pub question_too_long: fn(u32) -> String,
    /// The conversation is forgotten.
    pub forgotten: &'static str,
    /// What the bot can do, and the commands.
    pub help: &'static str,
    /// Below the help in a group: that a word is only heard where the bot is mentioned.
    pub group_help: &'static str,
    /// The bot has this persona from now on.
    pub persona_set: fn(&str) -> String,
    /// The bot has its own persona again.
    pub persona_reset: &'static str,
    /// How to pick or describe a persona.
    pub persona_ask: &'static str,
    /// The same in a group, where there are no buttons: the names to pick from.
    pub group_persona_ask: fn(&str) -> String,
    /// The description of a persona is too long.
    pub persona_too_long: &'static str,
    /// The names of the personas that come with the bot: friend, teacher, butler, comedian.
    pub personas: [&'static str; 4],
    /// There is no question to answer again.
    pub nothing_to_retry: &'static str,
    /// There is no answer to go on with.
    pub nothing_to_continue: &'static str,
    /// Welcome, by name where it is known.
    pub greeting: fn(Option<&str>) -> String,
    /// Hello to a group: how the bot is called, beside a mention by this prefix, and the word by which it forgets.
    pub group_greeting: fn(Option<&str>, &str) -> String,
    /// A group's persona is not for everybody to change.
    pub group_persona: &'static str,
    /// What is on the buttons of the commands.
    pub labels: Labels,
    /// What is said of pictures and voices.
    pub senses: Senses,
}

/// What the bot says of what is more than text.
pub struct Senses {
    /// The model does not see.
    pub blind: &'static str,
    /// The picture has too many bytes.
    pub picture_too_large: &'static str,
    /// It is no picture, or the model could not make it out.
    pub picture_unclear: &'static str,
    /// Nobody listens.
    pub deaf: &'static str,
    /// The recording is too long.
    pub voice_too_long: &'static str,
    /// There are no words in the recording.
    pub nothing_heard: &'static str,
    /// LINE has the picture or the recording no more, or could not prepare it.
    pub gone: &'static str,
    /// What was understood of a recording.
    pub heard: fn(&str) -> String,
}

/// The words on buttons: 20 characters at most each (LINE, "Message action").
pub struct Labels {
    /// Forget the conversation.
    pub forget: &'static str,
    /// Say what the bot can do.
    pub help: &'static str,
    /// Be somebody else.
    pub persona: &'static str,
    /// Answer the last question again.
    pub retry: &'static str,
    /// Go on where the answer was cut.
    pub go_on: &'static str,
    /// Be as always: a word that [`crate::rules::persona`] knows.
    pub usual: &'static str,
}
