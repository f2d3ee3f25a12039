//! The texts that exist in each language.

/// All texts that the bot itself sends, in one language.
pub struct Words {
    /// The apology: there will be no answer to this question. It points to the button that asks again.
    pub no_answer: &'static str,
    /// The same apology without a button, if no question is kept that the button could ask.
    pub no_answer_no_button: &'static str,
    /// The notice that the model will not answer this question.
    pub refused: &'static str,
    /// The notice that the question does not fit into the model's context.
    pub too_long: &'static str,
    /// The notice that the bot does not understand messages of this kind.
    pub not_understood: &'static str,
    /// The remark below an answer that ends because it reached its longest length.
    pub cut: &'static str,
    /// The notice that the answer takes longer than usual.
    pub still_thinking: &'static str,
    /// The words below an answer: the answer before it was not sent, because the month's messages were used up. They
    /// stay true if they arrive in another month.
    pub answer_waits: &'static str,
    /// The notice that the day's answers are used up.
    pub limit_answers: &'static str,
    /// The notice that the day's tokens are used up.
    pub limit_tokens: &'static str,
    /// The notice that this person may not use the bot.
    pub not_allowed: &'static str,
    /// The notice that the question has more characters than this number.
    pub question_too_long: fn(u32) -> String,
    /// The notice that the conversation is forgotten.
    pub forgotten: &'static str,
    /// The question whether to forget the conversation, with buttons below it. Not all devices show the buttons, so it
    /// also names the word that forgets at once.
    pub ask_forget: &'static str,
    /// The notice that nothing was forgotten.
    pub kept: &'static str,
    /// The reply to *privacy*: it says which data is stored, for how long, how to delete it, and who gets it.
    pub privacy: fn(&Privacy<'_>) -> String,
    /// The help: the abilities of the bot, and its commands.
    pub help: &'static str,
    /// The text below the help in a group: the bot reads a word only if the message mentions the bot.
    pub group_help: &'static str,
    /// The notice that the bot has this persona from now on.
    pub persona_set: fn(&str) -> String,
    /// The notice that the bot has its own persona again.
    pub persona_reset: &'static str,
    /// The instruction how to pick or describe a persona.
    pub persona_ask: &'static str,
    /// The same instruction in a group, where not all devices show the buttons, with the names to pick from.
    pub group_persona_ask: fn(&str) -> String,
    /// The notice that the description of a persona is too long.
    pub persona_too_long: &'static str,
    /// The names of the personas that come with the bot: friend, teacher, butler, comedian.
    pub personas: [&'static str; 4],
    /// The notice that there is no question to answer again.
    pub nothing_to_retry: &'static str,
    /// The notice that there is no answer to continue.
    pub nothing_to_continue: &'static str,
    /// The greeting of a person, with the name if it is known.
    pub greeting: fn(Option<&str>) -> String,
    /// The greeting of a person who unblocked the bot, with the name if it is known.
    pub welcome_back: fn(Option<&str>) -> String,
    /// The greeting of a group: how to call the bot, with this prefix in addition to a mention, and the word by which
    /// it forgets.
    pub group_greeting: fn(Option<&str>, &str) -> String,
    /// The notice that not everybody may change the group's persona.
    pub group_persona: &'static str,
    /// The line of the help about the staff, if there are any.
    pub staff_help: &'static str,
    /// The notice that the staff know, that a person answers here, and that the bot is silent until this time or until
    /// the person wants it back.
    pub handed_off: fn(&str) -> String,
    /// The notice that the staff could not be told, so that the bot goes on.
    pub handoff_failed: &'static str,
    /// The notice that the bot answers again.
    pub handed_back: &'static str,
    /// The message to the staff: this person, if the name is known, waits for a person at this address, until this time.
    pub staff_wanted: fn(Option<&str>, &str, &str) -> String,
    /// The words on the buttons of the commands.
    pub labels: Labels,
    /// The notices about images and audio.
    pub media_notices: MediaNotices,
    /// The notices about files and videos.
    pub file_notices: FileNotices,
}

/// The facts about privacy that differ between bots and people.
pub struct Privacy<'a> {
    /// The days after which messages expire; `None` for never.
    pub days: Option<i64>,
    /// The company that runs the model's server, if it is known.
    pub models_owner: Option<&'static str>,
    /// The LINE id of the person who asks, if it is known.
    pub user: Option<&'a str>,
}

/// The notices of the bot about messages that are more than text.
pub struct MediaNotices {
    /// The notice that the model does not take images.
    pub no_vision: &'static str,
    /// The notice that the image has too many bytes.
    pub image_too_large: &'static str,
    /// The notice that the content is not an image, or that the model could not read it.
    pub image_unclear: &'static str,
    /// The notice that the bot does not transcribe audio.
    pub no_transcription: &'static str,
    /// The notice that the audio is too long.
    pub audio_too_long: &'static str,
    /// The notice that there are no words in the audio.
    pub no_words_heard: &'static str,
    /// The notice that LINE does not have the image or the audio any more, or could not prepare it.
    pub content_unavailable: &'static str,
    /// The words that were heard in the audio.
    pub heard: fn(&str) -> String,
}

/// The notices of the bot about files and videos: what people can send instead.
pub struct FileNotices {
    /// The notice that the file has too many bytes.
    pub too_large: &'static str,
    /// The notice that the content of the file is not what its name says, or that the model could not read it.
    pub unclear: &'static str,
    /// The notice that the bot does not read files of this kind, with the kind that it reads.
    pub unknown_kind: fn(&str) -> String,
    /// The notice that the model does not take PDFs.
    pub no_pdf: &'static str,
    /// The notice that there is no image of the video.
    pub video_unclear: &'static str,
    /// The remark below these notices that a screenshot helps, too.
    pub or_screenshot: &'static str,
    /// The words on the button that opens the person's photos, at most 20 characters.
    pub photos: &'static str,
}

/// The words on buttons, each of at most 20 characters (LINE, "Message action").
pub struct Labels {
    /// The button that forgets the conversation.
    pub forget: &'static str,
    /// The button that deletes the conversation, after the question whether to.
    pub delete: &'static str,
    /// The button that keeps it.
    pub keep: &'static str,
    /// The button that shows the help.
    pub help: &'static str,
    /// The button that changes the persona.
    pub persona: &'static str,
    /// The button that answers the last question again.
    pub retry: &'static str,
    /// The button that continues the answer where it was cut.
    pub go_on: &'static str,
    /// The button that asks for a person of the staff.
    pub handoff: &'static str,
    /// The button that ends the talk with the staff.
    pub back: &'static str,
    /// The button that restores the default persona: a word that [`crate::rules::persona`] knows.
    pub usual: &'static str,
}
