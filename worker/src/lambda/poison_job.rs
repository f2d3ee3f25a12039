//! Isolates a poison job: conversations of a batch run side by side, and a poison candidate runs alone. A candidate is
//! a job whose last attempt left no outcome. It may have killed its worker, and must not interrupt other jobs.

use std::sync::Arc;

use tokio::sync::watch;

/// The states of all slots of a batch, which the slots share.
type Slots = watch::Sender<Vec<SlotState>>;

/// A conversation's slot. Dropping it marks the conversation as done.
pub(super) struct Slot {
    slots: Arc<Slots>,
    index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    /// The conversation runs side by side with others.
    Running,
    /// The conversation waits until no other one runs.
    Waiting { attempts: u32 },
    /// The conversation has nothing more to do.
    Done,
}

/// Returns a running slot for each conversation of a batch.
pub(super) fn slots(conversations: usize) -> impl Iterator<Item = Slot> {
    let slots = Arc::new(Slots::new(vec![SlotState::Running; conversations]));
    (0..conversations).map(move |index| Slot { slots: slots.clone(), index })
}

impl Slot {
    /// Whether all other conversations are done. Once true, it stays true, because no conversation joins a batch.
    pub(super) fn is_alone(&self) -> bool {
        let others = |(index, state): (usize, &SlotState)| index == self.index || *state == SlotState::Done;
        self.slots.borrow().iter().enumerate().all(others)
    }

    /// Waits until no other one runs, then runs again. Of the slots that wait, the one with the fewest attempts goes
    /// first. A job that crashes its worker has one attempt more each time, so it soon goes last.
    pub(super) async fn run_alone(&self, attempts: u32) {
        self.set(SlotState::Waiting { attempts });
        let its_turn = |states: &Vec<SlotState>| next(states) == Some(self.index);
        // This waits for as long as needed: the slot itself holds the sender, so the channel stays open.
        let _ = self.slots.subscribe().wait_for(its_turn).await;
        self.set(SlotState::Running);
    }

    fn set(&self, state: SlotState) {
        self.slots.send_modify(|states| states[self.index] = state);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.set(SlotState::Done);
    }
}

/// Returns the waiting slot that runs next, once no slot runs.
fn next(states: &[SlotState]) -> Option<usize> {
    let waiting = |(index, state): (usize, &SlotState)| match state {
        SlotState::Waiting { attempts } => Some((*attempts, index)),
        SlotState::Running | SlotState::Done => None,
    };
    let is_quiet = !states.contains(&SlotState::Running);
    is_quiet.then(|| states.iter().enumerate().filter_map(waiting).min()).flatten().map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::{
        SlotState::{Done, Running, Waiting},
        next,
    };

    #[test]
    fn who_waits_goes_when_nobody_works_and_the_least_attempted_first() {
        let waits = |attempts| Waiting { attempts };
        assert_eq!(next(&[waits(2), Running, Done]), None);
        assert_eq!(next(&[waits(3), Done, waits(2), waits(2)]), Some(2));
        assert_eq!(next(&[Done, Done]), None);
    }
}
