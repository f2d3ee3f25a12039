//! Who of a batch works when: conversations side by side, a suspect alone. A suspect is a job whose last
//! attempt left no outcome. Perhaps its worker died of it, and the next one must take nobody with it.

use std::sync::Arc;

use tokio::sync::watch;

/// What all conversations of a batch know of each other.
type Floor = watch::Sender<Vec<Place>>;

/// A conversation's place on the floor. Dropping it is leaving.
pub(super) struct Seat {
    floor: Arc<Floor>,
    index: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Works, side by side with others.
    Works,
    /// Waits until nobody works.
    Waits { attempts: u32 },
    /// Has nothing more to do.
    Left,
}

/// A seat for each conversation of a batch, at work.
pub(super) fn seats(conversations: usize) -> impl Iterator<Item = Seat> {
    let floor = Arc::new(Floor::new(vec![Place::Works; conversations]));
    (0..conversations).map(move |index| Seat { floor: floor.clone(), index })
}

impl Seat {
    /// Whether all others left. Once true it stays true: nobody joins a batch.
    pub(super) fn is_alone(&self) -> bool {
        let others = |(index, place): (usize, &Place)| index == self.index || *place == Place::Left;
        self.floor.borrow().iter().enumerate().all(others)
    }

    /// Waits until nobody else works, and works again. Of those that wait, who was attempted the fewest
    /// times goes first: the one that ends its workers is soon the last.
    pub(super) async fn works_alone(&self, attempts: u32) {
        self.takes(Place::Waits { attempts });
        let its_turn = |places: &Vec<Place>| next(places) == Some(self.index);
        // The sender is this seat's own, so that there is always an answer.
        let _ = self.floor.subscribe().wait_for(its_turn).await;
        self.takes(Place::Works);
    }

    fn takes(&self, place: Place) {
        self.floor.send_modify(|places| places[self.index] = place);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.takes(Place::Left);
    }
}

/// Who of those that wait goes next, once nobody works.
fn next(places: &[Place]) -> Option<usize> {
    let waiting = |(index, place): (usize, &Place)| match place {
        Place::Waits { attempts } => Some((*attempts, index)),
        Place::Works | Place::Left => None,
    };
    let is_quiet = !places.contains(&Place::Works);
    is_quiet.then(|| places.iter().enumerate().filter_map(waiting).min()).flatten().map(|(_, index)| index)
}

#[cfg(test)]
mod tests {
    use super::{
        Place::{Left, Waits, Works},
        next,
    };

    #[test]
    fn who_waits_goes_when_nobody_works_and_the_least_attempted_first() {
        let waits = |attempts| Waits { attempts };
        assert_eq!(next(&[waits(2), Works, Left]), None);
        assert_eq!(next(&[waits(3), Left, waits(2), waits(2)]), Some(2));
        assert_eq!(next(&[Left, Left]), None);
    }
}
