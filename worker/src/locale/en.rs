//! English.

use super::words::{FileNotices, Labels, MediaNotices, Privacy, Words};

pub(super) const WORDS: Words = Words {
    no_answer: "Sorry, I could not answer this time 🙏 Please tap \"Retry\" below in a little while.",
    no_answer_no_button: "Sorry, I could not answer this time 🙏 Please ask me again in a little while.",
    refused: "Sorry, I cannot answer this one 🙏 Please try putting it differently.",
    too_long: "Sorry, this message is too long for me 🙏 Please send it in shorter parts.",
    not_understood: "Sorry, I do not understand messages of this kind yet 🙏",
    cut: "(This got long, so it is cut off here ✂️)",
    still_thinking: "Still thinking 🤔 Just a little longer, please!",
    answer_waits: "PS: My answer to your question before this one could not be sent, because this account's messages for the month were used up 🙏 It may still come later, or just ask me again.",
    limit_answers: "We have talked a lot today 😊 Let's go on tomorrow!",
    limit_tokens: "That's all I can do for today 🙏 Talk to you tomorrow!",
    not_allowed: "Sorry, I only chat with people on my list for now 🙏",
    question_too_long: |characters| {
        format!("Sorry, I can read {characters} characters at a time 🙏 Please send it in shorter parts.")
    },
    forgotten: "All forgotten 🧹 Let's start afresh!",
    ask_forget: "Delete our whole conversation? It cannot be brought back. Please choose below (or send just \"forget\").",
    kept: "Nothing was deleted 😊 Let's go on!",
    privacy: |Privacy { days, models_owner, user }| {
        let days = days.map_or_else(
            || "until you delete it".to_owned(),
            |days| format!("for at most {days} {}", if days == 1 { "day" } else { "days" }),
        );
        let owner = models_owner.unwrap_or("the company that runs the AI model");
        let user = user.map(|user| format!("\n\n🪪 Your id: {user}\nGive it to the people who run this bot if you want everything else deleted, too.")).unwrap_or_default();
        format!(
            "🔒 Your privacy\n\n\
            📝 Stored: your messages and my answers as text (in groups with your name), your persona, and how often you ask a day. Pictures and recordings are not stored.\n\
            ⏳ How long: our conversation {days}, the daily counts for 60 days.\n\
            🧹 To delete: send \"forget\" and our conversation is deleted. If you unsend a message, its answer goes, too.\n\
            👀 Who gets it: for each answer, what you send and your name go to {owner}. The people who run this bot can read it, too.{user}"
        )
    },
    help: "Just talk to me about anything 😊\n\
        You can also send one of these words 👇\n\n\
        \"forget\": I forget what we talked about\n\
        \"persona\": change who I am and how I talk\n\
        \"retry\": I answer your last question again\n\
        \"continue\": I go on where my answer was cut off\n\
        \"privacy\": what I store, and how to delete it\n\
        \"help\": this message",
    group_help: "In a group, mention me (@) before the word, or I do not hear it.",
    persona_set: |name| format!("Got it! From now on I am \"{name}\" ✨"),
    persona_reset: "I am my usual self again 😊",
    persona_ask: "Who should I be? 🎭 Pick one below, or describe it, like \"persona: a pirate with a heart of gold\".",
    group_persona_ask: |names| {
        format!(
            "Who should I be? 🎭 Mention me and describe it, like \"persona: a pirate with a heart of gold\". These are there, too: {names}"
        )
    },
    persona_too_long: "Sorry, that description is too long 🙏 Please make it a bit shorter.",
    personas: ["Best friend", "Teacher", "Butler", "Comedian"],
    nothing_to_retry: "There is no question to answer again yet 😊 Ask me something first!",
    nothing_to_continue: "None of my answers was cut off 😊",
    greeting: |name| {
        let name = name.map(|name| format!(", {name}")).unwrap_or_default();
        format!("Hi{name}! Thanks for adding me 😊 Talk to me about anything you like.")
    },
    welcome_back: |name| {
        let name = name.map(|name| format!(", {name}")).unwrap_or_default();
        format!("Welcome back{name}! 😊 Talk to me about anything you like.")
    },
    group_greeting: |prefix, forget| {
        let or = prefix.map(|prefix| format!(" or begin your message with \"{prefix}\"")).unwrap_or_default();
        format!(
            "Hi everyone! Thanks for having me 😊 Mention me (@){or}, or reply to one of my messages, and I answer. Mention me with \"{forget}\" and I forget what we said here 🧹"
        )
    },
    group_persona: "Sorry, in this group not everybody can change my persona 🙏",
    staff_help: "\"talk to a person\": a person of our staff answers you",
    handed_off: |until| {
        format!(
            "Our staff know 🙋 A person will answer you here, please wait a little. Until {until} the AI keeps quiet. To talk to it again, tap \"Back to the AI\"."
        )
    },
    handoff_failed: "Sorry, I could not reach our staff just now 🙏 Please try again in a little while.",
    handed_back: "The AI is back 😊 Ask me anything.",
    staff_wanted: |name, at, until| {
        let name = name.map_or("A person whose name is not known".to_owned(), |name| format!("\"{name}\""));
        format!(
            "🙋 {name} would like to talk to a person. Please answer in the chat 👇\n{at}\nUntil {until} the AI does not answer them."
        )
    },
    labels: Labels {
        forget: "🧹 Forget our chat",
        delete: "Delete",
        keep: "Cancel",
        help: "❓ Help",
        persona: "🎭 Change persona",
        retry: "🔁 Retry",
        go_on: "▶️ Continue",
        handoff: "🙋 Talk to a person",
        back: "🤖 Back to the AI",
        usual: "default",
    },
    media_notices: MediaNotices {
        no_vision: "Sorry, I cannot look at pictures 🙏 Please tell me in words.",
        image_too_large: "Sorry, this picture is too large for me 🙏 Please send a smaller one.",
        image_unclear: "Sorry, I could not make out this picture 🙏 Please try another one.",
        no_transcription: "Sorry, I cannot listen to voice messages 🙏 Please write to me.",
        audio_too_long: "Sorry, this recording is too long for me 🙏 Please keep it under ten minutes.",
        no_words_heard: "Sorry, I could not hear any words in it 🙏 Please try again, or write to me.",
        content_unavailable: "Sorry, I could not get what you sent from LINE any more 🙏 Please send it again.",
        heard: |words| format!("🎤 “{words}”"),
    },
    file_notices: FileNotices {
        too_large: "Sorry, I can read files of up to 10 MB 🙏 Please send a smaller one, or paste the part that matters.",
        unclear: "Sorry, I could not read this file 🙏 It may be empty or damaged. Please paste its text here.",
        unknown_kind: |kind| {
            format!(
                "Sorry, I cannot read this kind of file 🙏 Please paste its text here, or send it as {kind}."
            )
        },
        no_pdf: "Sorry, I cannot read PDF files 🙏 Please copy the text and paste it here.",
        video_unclear: "Sorry, I could not look at this video 🙏 Please send a screenshot of it.",
        or_screenshot: "You can also send a screenshot 📷",
        photos: "📷 Photos",
    },
};
