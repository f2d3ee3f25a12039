//! What one turn may cost its operator: push requests. Lived through on one machine and on Lambda.

use worker::locale::Locale;

use crate::respect::{Chat, prompts, said, says, story};

story!(an_answer_of_megabytes_is_four_times_the_limit, "MAX_TOKENS" = "1000");
story!(
    an_answer_of_megabytes_is_five_pushes,
    "MAX_TOKENS" = "500000",
    "CONTEXT_TOKENS" = "1000000",
    "DELIVERY" = "reply-first"
);

mod told {
    use super::*;

    /// What comes of seven megabytes: the texts, and the answer as the next prompt has it.
    async fn comes_of_megabytes(chat: &dyn Chat) -> (Vec<String>, String) {
        let unit = "長い話です。とても長い話です。\n\n";
        chat.model().says(&unit.repeat(7_000_000 / unit.len()));
        chat.takes(says("all you know")).await;
        chat.drains().await;
        let texts = said(chat);
        let remark = Locale::En.words().cut;
        assert_eq!(texts.concat().matches(remark).count(), 1);
        assert!(texts.last().unwrap().ends_with(remark), "marked at its end");
        chat.takes(says("and?")).await;
        chat.drains().await;
        let kept = prompts(chat)[1][1].clone();
        assert_eq!(texts.concat(), format!("{kept}\n\n{remark}"), "what is kept is what was said");
        assert_eq!(chat.letters().await, 0);
        (texts, kept)
    }

    pub(super) async fn an_answer_of_megabytes_is_four_times_the_limit(chat: &dyn Chat) {
        let (_, kept) = comes_of_megabytes(chat).await;
        let tokens = worker::model::count(worker::model::Encoding::Cl100k, &kept);
        assert!((3_000..=4_000).contains(&tokens) && kept.ends_with("話です。"), "{tokens}");
    }

    pub(super) async fn an_answer_of_megabytes_is_five_pushes(chat: &dyn Chat) {
        let (texts, _) = comes_of_megabytes(chat).await;
        assert!((24..=25).contains(&texts.len()), "{}", texts.len());
        let requests = chat.line().sent().len() - 1;
        assert_eq!(requests, 5, "the free reply is one of them");
    }
}
