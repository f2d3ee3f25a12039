//! Several images that a person sends at once are one question, with the words that follow, and the next question is
//! about them, too. All on one machine and on Lambda.

use emulator::{faults::Fault, line::content_path, model::see};
use serde_json::{Value, json};

use super::{jpeg, media_notices, messages};
use crate::harness::chat::{Chat, SLOW, forgets, is_asked, is_unsent, said, says, story, takes_back, until};

story!(a_set_from_one_webhook_is_one_question_in_its_order);
story!(a_set_from_several_webhooks_is_one_question_in_its_order);
story!(a_set_that_does_not_say_how_large_it_is_is_one_question);
story!(words_after_an_image_are_the_question_about_it);
story!(the_next_question_sees_the_last_images_once);
story!(an_image_that_comes_late_is_answered_with_its_set_in_view);
story!(a_set_that_claims_a_hundred_images_is_answered_soon);
story!(of_more_than_ten_images_ten_are_one_question);
story!(a_set_that_nobody_can_see_gets_one_notice, "GPT_MODEL" = "gpt-4");
story!(of_a_set_the_images_that_can_be_seen_are_seen);
story!(of_a_large_set_the_newest_images_are_seen);
story!(asked_again_the_whole_set_is_seen);
story!(an_image_of_a_set_that_is_taken_back_is_not_seen);
story!(images_that_are_forgotten_are_not_seen);
story!(a_model_that_fails_for_a_while_is_asked_again_about_the_whole_set);
story!(a_model_that_takes_one_image_sees_the_newest);
story!(a_set_that_cannot_be_answered_gets_one_apology, "MAX_ATTEMPTS" = "1");
story!(two_sets_are_two_questions);
story!(an_image_that_line_does_not_deliver_spoils_no_other);
story!(a_set_with_words_that_the_model_refuses_gets_one_apology);
story!(a_forgotten_image_is_not_seen_where_it_is_quoted);
story!(words_that_are_too_long_spoil_no_image, "QUESTION_MAX_CHARACTERS" = "5");
story!(an_image_and_a_file_before_it_are_both_in_view);
story!(a_retry_sees_no_image_of_another_question, "MAX_ATTEMPTS" = "1");
story!(a_command_or_another_message_ends_the_wait);
story!(texts_behind_images_are_merged_where_it_is_set, "BURST" = "merge");

/// Returns the webhooks of a fixture. Its images are of these sizes, in the order of their sets if that is known.
fn webhooks(chat: &dyn Chat, fixture: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/line-events/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    let mut webhooks: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut images = 0;
    for event in webhooks.iter_mut().flat_map(|webhook| webhook["events"].as_array_mut().unwrap()) {
        let message = &mut event["message"];
        if message["type"] == "image" {
            images += 1;
            let index = message["imageSet"]["index"].as_u64().unwrap_or(images);
            message["id"] = held(chat, index).into();
        }
    }
    webhooks
}

/// Keeps an image whose size tells its number, and returns its id.
fn held(chat: &dyn Chat, number: u64) -> String {
    chat.line().holds("image/jpeg", jpeg(100 + usize::try_from(number).unwrap()))
}

/// Makes the webhook of an image of a set.
fn image(chat: &dyn Chat, set: &Value, number: u64) -> Value {
    image_of(&held(chat, number), set)
}

fn image_of(id: &str, set: &Value) -> Value {
    let mut webhook = says("");
    webhook["events"][0]["message"] = messages::image(id);
    if !set.is_null() {
        webhook["events"][0]["message"]["imageSet"] = set.clone();
    }
    webhook
}

fn set(index: u64, total: u64) -> Value {
    json!({ "id": "E9", "index": index, "total": total })
}

async fn take(chat: &dyn Chat, webhooks: impl IntoIterator<Item = Value>) {
    for webhook in webhooks {
        chat.takes(webhook).await;
    }
}

async fn happens(chat: &dyn Chat, webhooks: impl IntoIterator<Item = Value>) {
    take(chat, webhooks).await;
    chat.drains().await;
}

/// Returns the words of the last message of each prompt, and the numbers of its images.
fn asked(chat: &dyn Chat) -> Vec<(String, Vec<usize>)> {
    let last = |body: &Value| {
        let message = body["messages"].as_array().unwrap().last().unwrap();
        let said = see::said(message);
        let sizes = said.split("[image/jpeg, ").skip(1).map(|size| size.split(' ').next().unwrap());
        (see::text(message), sizes.map(|size| size.parse::<usize>().unwrap() - 100).collect())
    };
    chat.model().asked().iter().map(|seen| last(&seen.body)).collect()
}

fn question(words: &str, images: &[usize]) -> (String, Vec<usize>) {
    (words.to_owned(), images.to_vec())
}

/// Asserts that there was one question and one answer.
async fn is_one_question(chat: &dyn Chat, words: &str, images: &[usize]) {
    assert_eq!(asked(chat), [question(words, images)]);
    assert_eq!((said(chat).len(), chat.line().sent().len(), chat.letters().await), (1, 1, 0));
}

mod told {
    use super::*;

    pub(super) async fn a_set_from_one_webhook_is_one_question_in_its_order(chat: &dyn Chat) {
        happens(chat, webhooks(chat, "three-pictures-one-webhook")).await;
        is_one_question(chat, "[3 images]", &[1, 2, 3]).await;
        let kept = chat.kept().await;
        assert!(["[image 1 of 3]", "[image 2 of 3]", "[image 3 of 3]"].iter().all(|it| kept.contains(it)));
    }

    pub(super) async fn a_set_from_several_webhooks_is_one_question_in_its_order(chat: &dyn Chat) {
        let webhooks = webhooks(chat, "three-pictures-three-webhooks");
        happens(chat, webhooks.clone()).await;
        is_one_question(chat, "[3 images]", &[1, 2, 3]).await;
        // LINE delivers one of them again.
        happens(chat, [webhooks[1].clone()]).await;
        assert_eq!(said(chat).len(), 1);
    }

    pub(super) async fn a_set_that_does_not_say_how_large_it_is_is_one_question(chat: &dyn Chat) {
        happens(chat, webhooks(chat, "picture-set-without-index")).await;
        is_one_question(chat, "[2 images]", &[1, 2]).await;
    }

    pub(super) async fn words_after_an_image_are_the_question_about_it(chat: &dyn Chat) {
        happens(chat, webhooks(chat, "picture-then-question")).await;
        is_one_question(chat, "これ何？", &[1]).await;
        let images = (1..=2).map(|n| image(chat, &set(n, 2), n + 1));
        happens(chat, images.chain([says("which is nicer?")])).await;
        assert_eq!(asked(chat)[1..], [question("which is nicer?", &[2, 3])]);
        assert_eq!(said(chat).len(), 2);
    }

    pub(super) async fn the_next_question_sees_the_last_images_once(chat: &dyn Chat) {
        happens(chat, (1..=2).rev().map(|n| image(chat, &set(n, 2), n))).await;
        for words in ["which is nicer?", "why?"] {
            happens(chat, [says(words)]).await;
        }
        let all =
            [question("[2 images]", &[1, 2]), question("which is nicer?", &[1, 2]), question("why?", &[])];
        assert_eq!(asked(chat), all);
    }

    pub(super) async fn an_image_that_comes_late_is_answered_with_its_set_in_view(chat: &dyn Chat) {
        happens(chat, [image(chat, &set(3, 3), 3), image(chat, &set(1, 3), 1)]).await;
        happens(chat, [image(chat, &set(2, 3), 2)]).await;
        happens(chat, [says("and now?")]).await;
        let all = [
            question("[2 images]", &[1, 3]),
            question("[3 images]", &[1, 2, 3]),
            question("and now?", &[1, 2, 3]),
        ];
        assert_eq!(asked(chat), all);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 0));
    }

    pub(super) async fn a_set_that_claims_a_hundred_images_is_answered_soon(chat: &dyn Chat) {
        happens(chat, [image(chat, &set(77, 100), 1), image(chat, &set(5, 100), 2)]).await;
        is_one_question(chat, "[2 images]", &[2, 1]).await;
        // Whatever else a set may say hurts nothing.
        for (odd, number) in
            [json!({ "id": 7 }), json!({ "id": "E", "index": -1, "total": "x" }), json!([])].iter().zip(3..)
        {
            happens(chat, [image(chat, odd, number)]).await;
        }
        assert_eq!(asked(chat)[1..], [3, 4, 5].map(|number| question("[image]", &[number])));
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn of_more_than_ten_images_ten_are_one_question(chat: &dyn Chat) {
        happens(chat, (1..=12).map(|n| image(chat, &set(n, 12), n))).await;
        let asked = asked(chat);
        assert_eq!(asked[0], question("[10 images]", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
        // The others see the newest of the set.
        assert_eq!(asked[1..], [question("[10 images]", &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12])]);
        assert_eq!((said(chat).len(), chat.letters().await), (2, 0));
    }

    pub(super) async fn a_set_that_nobody_can_see_gets_one_notice(chat: &dyn Chat) {
        happens(chat, (1..=3).map(|n| image(chat, &set(n, 3), n))).await;
        assert_eq!(said(chat), [media_notices().no_vision]);
        assert_eq!((asked(chat).len(), chat.letters().await), (0, 0));
    }

    pub(super) async fn of_a_set_the_images_that_can_be_seen_are_seen(chat: &dyn Chat) {
        let bmp = || chat.line().holds("image/bmp", (&b"BM\x1a\0"[..]).into());
        let gone = image_of("1234567890", &set(3, 3));
        let webhooks = [image(chat, &set(1, 3), 1), image_of(&bmp(), &set(2, 3)), gone];
        happens(chat, webhooks).await;
        is_one_question(chat, "[image]\n[images that cannot be seen: 2]", &[1]).await;
        // One notice says that none of them can be seen.
        let webhooks = [image_of(&bmp(), &json!({ "id": "E8" })), image_of(&bmp(), &json!({ "id": "E8" }))];
        happens(chat, webhooks).await;
        assert_eq!(said(chat)[1..], [media_notices().image_unclear]);
        // Words are answered all the same.
        happens(chat, [image_of(&bmp(), &Value::Null), says("what is it?")]).await;
        assert_eq!(asked(chat)[1..], [question("what is it?\n[images that cannot be seen: 1]", &[])]);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 0));
    }

    pub(super) async fn of_a_large_set_the_newest_images_are_seen(chat: &dyn Chat) {
        let large = |index: u64| {
            let bytes = jpeg(6_000_000 + usize::try_from(index).unwrap());
            image_of(&chat.line().holds("image/jpeg", bytes), &set(index, 3))
        };
        happens(chat, [large(1), large(2), large(3)]).await;
        let seen = question("[2 images]\n[images that cannot be seen: 1]", &[5_999_902, 5_999_903]);
        assert_eq!(asked(chat), [seen]);
        assert_eq!((said(chat).len(), chat.letters().await), (1, 0));
    }

    pub(super) async fn asked_again_the_whole_set_is_seen(chat: &dyn Chat) {
        happens(chat, (1..=2).map(|n| image(chat, &set(n, 2), n))).await;
        happens(chat, [says("retry")]).await;
        happens(chat, [says("which?")]).await;
        happens(chat, [says("retry")]).await;
        let (set, words) = (question("[2 images]", &[1, 2]), question("which?", &[1, 2]));
        assert_eq!(asked(chat), [set.clone(), set, words.clone(), words]);
    }

    pub(super) async fn an_image_of_a_set_that_is_taken_back_is_not_seen(chat: &dyn Chat) {
        let images: Vec<Value> = (1..=3).map(|n| image(chat, &set(n, 3), n)).collect();
        take(chat, images.clone()).await;
        happens(chat, [takes_back(&images[1])]).await;
        is_unsent(chat, &images[1]).await;
        is_one_question(chat, "[2 images]", &[1, 3]).await;
        happens(chat, [says("and now?")]).await;
        assert_eq!(asked(chat).pop(), Some(question("and now?", &[1, 3])));
        // The last one may be taken back, and while the model is asked.
        chat.model().plan_fault(SLOW);
        let set = |index: u64| json!({ "id": "B", "index": index, "total": 2 });
        let images = [image(chat, &set(1), 4), image(chat, &set(2), 5)];
        take(chat, images.clone()).await;
        is_asked(chat, 3).await;
        happens(chat, [takes_back(&images[1])]).await;
        assert_eq!(asked(chat)[2..], [question("[2 images]", &[4, 5]), question("[image]", &[4])]);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 0));
    }

    pub(super) async fn images_that_are_forgotten_are_not_seen(chat: &dyn Chat) {
        happens(chat, [image(chat, &Value::Null, 1)]).await;
        forgets(chat).await;
        happens(chat, [says("and now?")]).await;
        assert_eq!(asked(chat), [question("[image]", &[1]), question("and now?", &[])]);
    }

    pub(super) async fn a_model_that_fails_for_a_while_is_asked_again_about_the_whole_set(chat: &dyn Chat) {
        // Each attempt makes three calls. Texts would be asked one by one from the third attempt on.
        (0..3).for_each(|_| chat.model().plan_fault(Fault::Respond(500, vec![], "{}".to_owned())));
        happens(chat, (1..=2).map(|n| image(chat, &set(n, 2), n))).await;
        assert_eq!(asked(chat), vec![question("[2 images]", &[1, 2]); 4]);
        assert_eq!((said(chat).len(), chat.letters().await), (1, 0));
    }

    pub(super) async fn a_model_that_takes_one_image_sees_the_newest(chat: &dyn Chat) {
        let error = json!({ "message": "Too many images", "type": "invalid_request_error", "code": "invalid_image_format" });
        chat.model().plan_fault(Fault::Respond(400, vec![], json!({ "error": error }).to_string()));
        happens(chat, (1..=2).map(|n| image(chat, &set(n, 2), n))).await;
        let newest = question("[image]\n[images that cannot be seen: 1]", &[2]);
        assert_eq!(asked(chat), [question("[2 images]", &[1, 2]), newest]);
        assert_eq!((said(chat).len(), chat.letters().await), (1, 0));
    }

    pub(super) async fn a_set_that_cannot_be_answered_gets_one_apology(chat: &dyn Chat) {
        let refuses = Fault::Respond(401, vec![], "{}".to_owned());
        chat.model().faults.set_fault(emulator::model::COMPLETIONS, Some(&refuses), false);
        // People send it again, and learn again that there is no answer.
        for (id, apologies) in [("A", 1), ("B", 2)] {
            let set = |index: u64| json!({ "id": id, "index": index, "total": 2 });
            happens(chat, (1..=2).map(|n| image(chat, &set(n), n))).await;
            assert_eq!((said(chat).len(), chat.letters().await), (apologies, 2 * apologies));
        }
        chat.model().faults.behave();
        chat.redrives().await;
        chat.drains().await;
        assert!(asked(chat).last().unwrap().1.contains(&2), "{:?}", asked(chat));
    }

    pub(super) async fn an_image_that_line_does_not_deliver_spoils_no_other(chat: &dyn Chat) {
        let id = held(chat, 2);
        let fails = Fault::Respond(500, vec![], "{}".to_owned());
        chat.line().faults.set_fault(&content_path(&id), Some(&fails), false);
        happens(chat, [image(chat, &set(1, 3), 1), image_of(&id, &set(2, 3)), image(chat, &set(3, 3), 3)])
            .await;
        is_one_question(chat, "[2 images]\n[images that cannot be seen: 1]", &[1, 3]).await;
    }

    pub(super) async fn a_set_with_words_that_the_model_refuses_gets_one_apology(chat: &dyn Chat) {
        let error =
            json!({ "message": "no", "type": "invalid_request_error", "code": "content_policy_violation" });
        chat.model().plan_fault(Fault::Respond(400, vec![], json!({ "error": error }).to_string()));
        happens(chat, [image(chat, &set(1, 2), 1), image(chat, &set(2, 2), 2), says("what?")]).await;
        assert_eq!(asked(chat), [question("what?", &[1, 2])]);
        assert_eq!((said(chat).len(), chat.letters().await), (1, 3));
        // Its button asks the whole question again.
        happens(chat, [says("retry")]).await;
        assert_eq!(asked(chat)[1..], [question("what?", &[1, 2])]);
    }

    pub(super) async fn a_forgotten_image_is_not_seen_where_it_is_quoted(chat: &dyn Chat) {
        let webhook = image(chat, &Value::Null, 1);
        happens(chat, [webhook.clone()]).await;
        forgets(chat).await;
        let mut quoting = says("");
        let id = webhook["events"][0]["message"]["id"].as_str();
        quoting["events"][0]["message"] = messages::quoting(messages::text("what?"), id);
        happens(chat, [quoting]).await;
        assert_eq!(asked(chat)[1..], [question("[quotes a message that you cannot see]\nwhat?", &[])]);
    }

    pub(super) async fn two_sets_are_two_questions(chat: &dyn Chat) {
        for (id, numbers) in [("A", [1, 2]), ("B", [3, 4])] {
            let set = |index: u64| json!({ "id": id, "index": index, "total": 2 });
            happens(chat, numbers.map(|number| image(chat, &set(2 - number % 2), number))).await;
        }
        happens(chat, [says("which?")]).await;
        let all =
            [question("[2 images]", &[1, 2]), question("[2 images]", &[3, 4]), question("which?", &[3, 4])];
        assert_eq!(asked(chat), all);
    }

    pub(super) async fn words_that_are_too_long_spoil_no_image(chat: &dyn Chat) {
        happens(chat, [image(chat, &Value::Null, 1), says("what is it?")]).await;
        assert_eq!(asked(chat), [question("[image]", &[1])]);
        happens(chat, [says("what?")]).await;
        assert_eq!(asked(chat)[1..], [question("what?", &[1])]);
        assert_eq!((said(chat).len(), chat.letters().await), (3, 0));
    }

    pub(super) async fn an_image_and_a_file_before_it_are_both_in_view(chat: &dyn Chat) {
        let mut file = says("");
        let id = chat.line().holds("text/plain", (&b"a list"[..]).into());
        file["events"][0]["message"] = messages::file(&id, "a.txt", 6);
        happens(chat, [file]).await;
        happens(chat, [image(chat, &Value::Null, 1)]).await;
        happens(chat, [says("is it on the list?")]).await;
        let both = question("[file: a.txt]\na list\n[end of the file]\n\nis it on the list?", &[1]);
        assert_eq!(asked(chat)[1..], [question("[image]", &[1]), both]);
    }

    pub(super) async fn a_retry_sees_no_image_of_another_question(chat: &dyn Chat) {
        happens(chat, [image(chat, &Value::Null, 1)]).await;
        let refuses = Fault::Respond(401, vec![], "{}".to_owned());
        chat.model().faults.set_fault(emulator::model::COMPLETIONS, Some(&refuses), false);
        happens(chat, [image(chat, &Value::Null, 2)]).await;
        chat.model().faults.behave();
        happens(chat, [says("retry")]).await;
        assert_eq!(asked(chat).pop(), Some(question("[image]", &[2])));
    }

    pub(super) async fn a_command_or_another_message_ends_the_wait(chat: &dyn Chat) {
        // The model is asked about the image before the command.
        happens(chat, [image(chat, &Value::Null, 1), says("help"), says("what is it?")]).await;
        assert_eq!(asked(chat), [question("[image]", &[1]), question("what is it?", &[1])]);
        // A picture of its own is a question of its own.
        happens(chat, [image(chat, &Value::Null, 2), image(chat, &Value::Null, 3)]).await;
        assert_eq!(asked(chat)[2..], [question("[image]", &[2]), question("[image]", &[3])]);
        assert_eq!(said(chat).len(), 5);
    }

    pub(super) async fn texts_behind_images_are_merged_where_it_is_set(chat: &dyn Chat) {
        chat.model().plan_fault(SLOW);
        take(chat, [says("hold")]).await;
        is_asked(chat, 1).await;
        happens(chat, [image(chat, &Value::Null, 1), says("one"), says("two")]).await;
        assert_eq!(asked(chat)[1..], [question("two", &[1])]);
        until("it is answered", || said(chat).len() == 2).await;
        let prompt = chat.model().asked().pop().unwrap();
        let messages = prompt.body["messages"].as_array().unwrap();
        assert_eq!(see::text(&messages[messages.len() - 2]), "one");
    }
}
