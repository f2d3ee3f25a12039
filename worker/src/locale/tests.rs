use unicode_segmentation::UnicodeSegmentation;

use super::*;

#[test]
fn line_s_tags_lead_to_a_language() {
    for (tag, locale) in [
        ("ja", Some(Locale::Ja)),
        ("en-US", Some(Locale::En)),
        ("zh-TW", Some(Locale::ZhHant)),
        ("zh-Hant-HK", Some(Locale::ZhHant)),
        ("KO", Some(Locale::Ko)),
        ("th_TH", Some(Locale::Th)),
        ("fr", None),
        ("", None),
    ] {
        assert_eq!(Locale::of_tag(tag), locale, "{tag}");
    }
}

#[test]
fn every_language_names_its_commands_in_its_help_and_fits_them_on_buttons() {
    for locale in Locale::ALL {
        let Words { no_answer, no_answer_no_button, help, labels, persona_ask, group_persona_ask, .. } =
            locale.words();
        for (command, label) in [
            (Command::Forget, labels.forget),
            (Command::Help, labels.help),
            (Command::Persona(None), labels.persona),
            (Command::Retry, labels.retry),
            (Command::Continue, labels.go_on),
            (Command::Privacy, locale.word_of(&Command::Privacy)),
        ] {
            let photos = locale.words().file_notices.photos;
            assert!((1..=20).contains(&photos.graphemes(true).count()), "{photos}");
            assert!((1..=20).contains(&label.graphemes(true).count()), "{label}");
            assert!(help.contains(locale.word_of(&command)), "{command:?} in {locale:?}");
        }
        for label in [labels.delete, labels.keep] {
            assert!((1..=20).contains(&label.graphemes(true).count()), "{label}");
        }
        assert!(locale.words().ask_forget.contains(locale.word_of(&Command::Forget)), "{locale:?}");
        let shown = labels.retry.trim_start_matches("🔁 ");
        assert!(no_answer.contains(shown) && !no_answer_no_button.contains(shown), "{locale:?}");
        let persona = locale.word_of(&Command::Persona(None));
        assert!(labels.persona.contains(persona), "{locale:?}");
        let in_group = group_persona_ask("Ren");
        assert!(persona_ask.contains(persona) && in_group.contains(persona), "{locale:?}");
        assert!(in_group.contains("Ren"), "{locale:?}");
        let lines = help.lines().filter(|line| line.contains(persona));
        assert_eq!(lines.count(), 1, "it can be left out of the help of {locale:?}");
        assert!(locale.words().staff_help.contains(locale.word_of(&Command::Handoff)), "{locale:?}");
        assert!((1..=20).contains(&labels.handoff.graphemes(true).count()), "{locale:?}");
        let back = labels.back.trim_start_matches("🤖 ");
        assert!(back.eq_ignore_ascii_case(locale.word_of(&Command::Back)), "{locale:?}");
        assert!((1..=20).contains(&labels.back.graphemes(true).count()), "{locale:?}");
        assert!((locale.words().handed_off)("14:05").contains(back), "{locale:?}");
    }
}

#[test]
fn nobody_greets_in_another_language_by_mistake() {
    let said = |words: &Words| {
        let filled = [
            (words.question_too_long)(500),
            (words.persona_set)("猫"),
            (words.greeting)(Some("Ann")),
            (words.group_greeting)(Some("ai!"), "forget!"),
            (words.media_notices.heard)("hello"),
            (words.group_persona_ask)("Ren"),
            (words.welcome_back)(Some("Ann")),
            (words.file_notices.unknown_kind)("PDF"),
            (words.privacy)(&Privacy { days: Some(30), models_owner: Some("OpenAI"), user: Some("U12") }),
            (words.privacy)(&Privacy { days: None, models_owner: None, user: None }),
            (words.handed_off)("14:05"),
            (words.staff_wanted)(Some("Aoi"), "https://chat.line.biz/", "14:05"),
        ];
        assert!(filled[6].contains("Ann") && filled[7].contains("PDF"));
        assert!(["30", "OpenAI", "U12"].iter().all(|fact| filled[8].contains(fact)), "{}", filled[8]);
        assert!(!filled[9].contains("ID") && !filled[9].contains(" id"), "{}", filled[9]);
        assert!(filled[10].contains("14:05"));
        assert!(["Aoi", "\nhttps://chat.line.biz/\n", "14:05"].iter().all(|it| filled[11].contains(it)));
        assert!(filled[4].contains("hello"));
        assert!(filled[0].contains("500") && filled[1].contains("猫") && filled[2].contains("Ann"));
        assert!(filled[3].contains("ai!") && filled[3].contains("forget!"));
        let fixed = [
            words.no_answer,
            words.no_answer_no_button,
            words.refused,
            words.too_long,
            words.not_understood,
            words.cut,
            words.still_thinking,
            words.answer_waits,
            words.limit_answers,
            words.limit_tokens,
            words.not_allowed,
            words.forgotten,
            words.ask_forget,
            words.kept,
            words.labels.delete,
            words.labels.keep,
            words.help,
            words.group_help,
            words.persona_reset,
            words.persona_ask,
            words.persona_too_long,
            words.nothing_to_retry,
            words.nothing_to_continue,
            words.media_notices.no_vision,
            words.media_notices.image_too_large,
            words.media_notices.image_unclear,
            words.media_notices.no_transcription,
            words.media_notices.audio_too_long,
            words.media_notices.no_words_heard,
            words.media_notices.content_unavailable,
            words.file_notices.too_large,
            words.file_notices.unclear,
            words.file_notices.no_pdf,
            words.file_notices.video_unclear,
            words.file_notices.or_screenshot,
            words.file_notices.photos,
            words.group_persona,
            words.staff_help,
            words.handoff_failed,
            words.handed_back,
        ];
        fixed
            .into_iter()
            .chain(words.personas)
            .map(str::to_owned)
            .chain(filled)
            .chain([(words.greeting)(None), (words.group_greeting)(None, "forget!")])
            .chain([(words.staff_wanted)(None, "", "")])
            .collect::<Vec<_>>()
    };
    let all = Locale::ALL.map(|locale| said(locale.words()));
    for (index, texts) in all.iter().enumerate() {
        assert!(texts.iter().all(|text| !text.trim().is_empty()));
        for others in &all[index + 1..] {
            assert!(texts.iter().zip(others).all(|(one, other)| one != other));
        }
    }
}
