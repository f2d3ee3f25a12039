//! The end of the month's messages: an answer goes by the free reply, and else it waits.

use emulator::{
    faults::Fault,
    line::{PUSH, REPLY, Sent},
};
use shared::job::{Job, JobKind};
use worker::{clock::wall_clock, locale::Locale};

use crate::harness::chat::{Chat, job_of, said, says, story};

story!(an_answer_goes_by_the_free_reply);
story!(an_answer_whose_reply_is_refused_too_waits_for_a_redrive);
story!(an_answer_whose_reply_may_have_arrived_is_never_pushed);
story!(an_answer_whose_token_is_old_waits);
story!(an_answer_of_several_requests_waits_as_a_whole);
story!(a_person_whose_answer_waits_is_told_with_the_next_one);
story!(a_person_whose_waiting_answer_came_is_not_told_of_it);

/// Returns how many replies and pushes were tried.
fn tried(chat: &dyn Chat) -> (usize, usize) {
    (chat.line().faults.seen(REPLY).len(), chat.line().faults.seen(PUSH).len())
}

async fn hears(chat: &dyn Chat, text: &str) {
    chat.takes(says(text)).await;
    chat.drains().await;
}

/// Lets the month begin anew and redrives every dead letter.
async fn is_redriven(chat: &dyn Chat) {
    chat.line().set_messages_left(10);
    chat.redrives().await;
    chat.drains().await;
}

mod told {
    use super::*;

    pub(super) async fn an_answer_goes_by_the_free_reply(chat: &dyn Chat) {
        chat.line().set_messages_left(1);
        for text in ["hi", "again"] {
            hears(chat, text).await;
        }
        let is_free = |sent: &Sent| sent.retry_key.is_none();
        assert_eq!(chat.line().sent().iter().map(is_free).collect::<Vec<_>>(), [false, true]);
        assert_eq!(said(chat), ["answer to hi", "answer to again"]);
        assert_eq!((tried(chat), chat.letters().await, chat.model().asked().len()), ((1, 2), 0, 2));
    }

    pub(super) async fn an_answer_whose_reply_is_refused_too_waits_for_a_redrive(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        chat.line().plan_error(REPLY, 400, "Invalid reply token");
        hears(chat, "hi").await;
        assert_eq!((said(chat).len(), tried(chat), chat.letters().await), (0, (1, 1), 1));
        is_redriven(chat).await;
        assert_eq!(said(chat), ["answer to hi"]);
        assert_eq!((tried(chat), chat.model().asked().len()), ((1, 2), 1));
    }

    pub(super) async fn an_answer_whose_reply_may_have_arrived_is_never_pushed(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        // LINE took the reply, its answer was lost, and the token is used.
        chat.line().faults.plan_next(REPLY, Fault::Lose);
        hears(chat, "hi").await;
        assert_eq!((said(chat).len(), tried(chat), chat.letters().await), (1, (2, 1), 1));
        is_redriven(chat).await;
        assert_eq!((said(chat).len(), tried(chat)), (1, (2, 1)));
    }

    pub(super) async fn an_answer_whose_token_is_old_waits(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        let job = job_of(&says(""));
        let kind = JobKind::question("hi", job.message_id().cloned());
        let accepted_at = Some(wall_clock()().as_millisecond() - 50_000);
        chat.queues(Job { kind, accepted_at, reply_token: Some("token".into()), ..job }).await;
        chat.drains().await;
        assert_eq!((said(chat).len(), tried(chat), chat.letters().await), (0, (0, 1), 1));
        is_redriven(chat).await;
        assert_eq!(said(chat), ["answer to hi"]);
    }

    pub(super) async fn an_answer_of_several_requests_waits_as_a_whole(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        chat.model().plan_answer(&"a".repeat(30_000));
        hears(chat, "tell me all").await;
        assert_eq!((said(chat).len(), tried(chat), chat.letters().await), (0, (0, 1), 1));
        is_redriven(chat).await;
        assert_eq!((said(chat).concat().len(), tried(chat)), (30_000, (0, 3)));
    }

    pub(super) async fn a_person_whose_answer_waits_is_told_with_the_next_one(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        chat.line().plan_error(REPLY, 400, "Invalid reply token");
        hears(chat, "hi").await;
        for text in ["help", "and now?", "still there?"] {
            hears(chat, text).await;
        }
        let sent = chat.line().sent();
        assert!(sent.iter().all(|sent| sent.retry_key.is_none()), "{sent:?}");
        let words = Locale::En.words();
        let texts = |index: usize| sent[index].texts.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(texts(1), ["answer to and now?", words.answer_waits]);
        assert_eq!(texts(2), ["answer to still there?"], "once");
        assert_eq!((sent.len(), texts(0).len(), chat.letters().await), (3, 1, 1));
        // The answer that waits still comes by a redrive.
        is_redriven(chat).await;
        assert_eq!(said(chat).last().unwrap(), "answer to hi");
    }

    pub(super) async fn a_person_whose_waiting_answer_came_is_not_told_of_it(chat: &dyn Chat) {
        chat.line().set_messages_left(0);
        chat.line().plan_error(REPLY, 400, "Invalid reply token");
        hears(chat, "hi").await;
        is_redriven(chat).await;
        hears(chat, "and now?").await;
        assert_eq!(said(chat), ["answer to hi", "answer to and now?"]);
    }
}
