//! The record of the gate's passages, and the place of the fault. Pure.

use std::fmt;

/// The name of every commit.
const COMMIT: &str = "commit";

/// The nth passage of its name, which is the same in another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    name: String,
    nth: usize,
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name, self.nth)
    }
}

/// A fault at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the call has an effect.
    KilledBefore,
    /// The call has its effect, and the process is killed before it gets the answer.
    KilledAfter,
    /// The call has its effect, and the connection breaks before the answer.
    AnswerLost,
}

#[derive(Default)]
pub struct Record {
    /// The passages, and whether each got an answer.
    passed: Vec<(Boundary, bool)>,
    fault: Option<(Boundary, Fault)>,
    /// The place of the fault, once it happened.
    fault_at: Option<usize>,
}

impl Record {
    /// Makes an empty record with this fault to apply.
    pub fn new(fault: Option<(Boundary, Fault)>) -> Self {
        Self { fault, ..Self::default() }
    }

    /// Adds a request; returns its place among all.
    pub fn passes(&mut self, name: String) -> usize {
        let nth = 1 + self.passed.iter().filter(|(boundary, _)| boundary.name == name).count();
        self.passed.push((Boundary { name, nth }, false));
        self.passed.len() - 1
    }

    /// Adds a commit of a process; returns its place among all.
    pub fn commits(&mut self, process: &str) -> usize {
        self.passes(format!("{process} {COMMIT}"))
    }

    /// Returns the place of the commit that is under way. There is one at a time.
    pub fn last_commit(&self) -> usize {
        self.passed.iter().rposition(|(boundary, _)| boundary.is_commit()).unwrap()
    }

    /// Notes that the passage got its answer.
    pub fn is_answered(&mut self, place: usize) {
        self.passed[place].1 = true;
    }

    /// Whether this fault happens here, which is true once.
    pub fn does(&mut self, place: usize, what: Fault) -> bool {
        let here = Some((self.passed[place].0.clone(), what));
        let is_it = self.fault == here;
        if is_it {
            (self.fault, self.fault_at) = (None, Some(place));
        }
        is_it
    }

    /// Whether no fault is left to happen.
    pub fn is_done(&self) -> bool {
        self.fault.is_none()
    }

    /// Whether the fault happened.
    pub fn had_fault(&self) -> bool {
        self.fault_at.is_some()
    }

    /// Returns all faults that a run like this one can meet.
    pub fn faults(&self) -> Vec<(Boundary, Fault)> {
        let of = |(boundary, is_answered): &(Boundary, bool)| {
            let faults: &[Fault] = match (is_answered, boundary.is_commit()) {
                (false, _) => &[Fault::KilledBefore],
                (true, true) => &[Fault::KilledBefore, Fault::KilledAfter],
                (true, false) => &[Fault::KilledBefore, Fault::KilledAfter, Fault::AnswerLost],
            };
            faults.iter().map(|fault| (boundary.clone(), *fault)).collect::<Vec<_>>()
        };
        self.passed.iter().flat_map(of).collect()
    }

    /// Returns the boundaries by their names.
    pub fn names(&self) -> Vec<String> {
        self.passed.iter().map(|(boundary, _)| boundary.to_string()).collect()
    }

    /// Whether a request to this path had passed, or was passing, when the fault happened.
    pub fn had_passed(&self, path: &str) -> bool {
        let before = &self.passed[..self.fault_at.map_or(0, |at| at + 1)];
        before.iter().any(|(boundary, _)| boundary.name.ends_with(path))
    }
}

impl Boundary {
    fn is_commit(&self) -> bool {
        self.name.ends_with(COMMIT)
    }
}
