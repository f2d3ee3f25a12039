//! The search: breadth first, so that the trace of a violation is a shortest one.

use std::{
    collections::HashSet,
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

use crate::{
    invariants::{self, Invariant},
    setting::Model,
    steps::{Label, all},
    world::World,
};

/// The result of a search.
pub struct Found {
    /// The number of different states that were explored.
    pub states: usize,
    /// The number of steps between them.
    pub steps: usize,
    /// The number of steps to the farthest state.
    pub depth: usize,
    /// Whether all states were explored.
    pub is_all_done: bool,
    /// The time that the search took.
    pub took: Duration,
    /// The first violation.
    pub violation: Option<Violation>,
}

/// An invariant that is broken, with a shortest way to that state.
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// The steps, each with the state after it.
    pub trace: Vec<(Label, World)>,
}

/// A state as the search remembers it: the state before it, and the number of the step from there. For a trace the
/// search computes the states again.
#[derive(Clone, Copy)]
struct Reached {
    before: u32,
    step: u16,
}

/// A hasher for a set of hashes, which are used as they are.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Explores at most this number of states. Of a state it keeps only a hash of 64 bits: among ten million states, one
/// is mistaken for another with a chance of one in 300,000, and would then be left out.
pub fn search(model: &Model, most: usize) -> Found {
    let began = Instant::now();
    let mut seen: HashSet<u64, BuildHasherDefault<Same>> = HashSet::default();
    let mut reached: Vec<Reached> = vec![Reached { before: 0, step: 0 }];
    let mut level = vec![(0_u32, World::new(model))];
    seen.insert(hash(&level[0].1));
    let (mut steps, mut depth) = (0, 0);
    let mut violated = None;
    while !level.is_empty() && violated.is_none() && reached.len() < most {
        let mut next = vec![];
        'level: for (at, world) in &level {
            for (step, (_, after)) in all(model, world).into_iter().enumerate() {
                steps += 1;
                if !seen.insert(hash(&after)) {
                    continue;
                }
                let index = u32::try_from(reached.len()).unwrap_or(u32::MAX);
                reached.push(Reached { before: *at, step: u16::try_from(step).unwrap_or(u16::MAX) });
                let broken = invariants::broken(&after);
                let is_looked_at = |it: &Invariant| {
                    broken & it.bit() != 0 && model.setting.only.is_none_or(|only| only == *it)
                };
                if let Some(invariant) = Invariant::ALL.into_iter().find(is_looked_at) {
                    violated = Some((invariant, index));
                    break 'level;
                }
                next.push((index, after));
            }
        }
        depth += usize::from(!next.is_empty() || violated.is_some());
        level = next;
    }
    Found {
        states: reached.len(),
        steps,
        depth,
        is_all_done: level.is_empty() && violated.is_none(),
        took: began.elapsed(),
        violation: violated
            .map(|(invariant, index)| Violation { invariant, trace: trace(model, &reached, index) }),
    }
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn trace(model: &Model, reached: &[Reached], last: u32) -> Vec<(Label, World)> {
    let mut steps = vec![];
    let mut at = last;
    while at != 0 {
        let Reached { before, step } = reached[at as usize];
        steps.push(usize::from(step));
        at = before;
    }
    let mut world = World::new(model);
    let mut trace = vec![];
    for step in steps.into_iter().rev() {
        let Some((label, after)) = all(model, &world).into_iter().nth(step) else { break };
        world = after.clone();
        trace.push((label, after));
    }
    trace
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, is_all_done, took, .. } = self;
        let whole = if *is_all_done { "all" } else { "not all" };
        write!(f, "{states} states ({whole}), {steps} steps, depth {depth}, {:.1} s", took.as_secs_f64())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "broken: {}", self.invariant)?;
        for (number, (label, world)) in self.trace.iter().enumerate() {
            writeln!(f, "{:3}. {label}\n       {world}", number + 1)?;
        }
        Ok(())
    }
}
