//! The steps from one state to others.

use std::fmt;

use crate::{
    disturbances,
    setting::{Disturbance, Model},
    worker,
    world::World,
};

/// The name of a step.
#[derive(Clone, Copy)]
pub struct Label {
    /// The worker that takes the step.
    pub worker: Option<usize>,
    /// The action.
    pub what: &'static str,
    /// The fault of the action, if any.
    pub how: &'static str,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(worker) = self.worker {
            write!(f, "worker {worker}: ")?;
        }
        write!(f, "{}", self.what)?;
        if self.how.is_empty() { Ok(()) } else { write!(f, ": {}", self.how) }
    }
}

/// Returns all steps from a state.
pub fn all(model: &Model, before: &World) -> Vec<(Label, World)> {
    let mut steps = Steps { model, before, worker: None, found: vec![] };
    disturbances::next(&mut steps);
    for at in 0..before.workers.len() {
        // Workers are alike: a second one begins only while the first is busy.
        if before.workers[at].is_idle() && before.workers[..at].iter().any(worker::Worker::is_idle) {
            continue;
        }
        steps.worker = Some(at);
        worker::next(&mut steps, at);
    }
    steps.found
}

/// The steps from a state that were found so far.
pub struct Steps<'a> {
    /// The model.
    pub model: &'a Model,
    /// The state.
    pub before: &'a World,
    /// The worker whose steps they are.
    pub worker: Option<usize>,
    found: Vec<(Label, World)>,
}

impl<'a> Steps<'a> {
    /// Adds a step.
    pub fn step(&mut self, what: &'static str, change: impl FnOnce(&'a Model, &mut World)) {
        self.add(what, "", change);
    }

    /// Adds a disturbance, if it may happen once more.
    pub fn disturb(
        &mut self,
        kind: Disturbance,
        what: &'static str,
        how: &'static str,
        change: impl FnOnce(&'a Model, &mut World),
    ) {
        if self.before.may_happen(self.model, kind) {
            self.add(what, how, |model, world| {
                world.happened[kind as usize] += 1;
                change(model, world);
            });
        }
    }

    /// Adds a call of the history. It succeeds, or fails for good with or without an effect; `retried` says that the
    /// call is made once more when only its answer is lost.
    pub fn call<T>(
        &mut self,
        what: &'static str,
        is_retried: bool,
        effect: impl Fn(&'a Model, &mut World) -> T,
        then: impl Fn(&'a Model, &mut World, Option<T>),
    ) {
        let lost = Disturbance::LostCall;
        self.step(what, |model, world| {
            let told = effect(model, world);
            then(model, world, Some(told));
        });
        self.disturb(lost, what, "it fails", |model, world| then(model, world, None));
        self.disturb(lost, what, "it succeeds, and its answer is lost for good", |model, world| {
            effect(model, world);
            then(model, world, None);
        });
        if is_retried {
            self.disturb(
                lost,
                what,
                "it succeeds, its answer is lost, and it is made again",
                |model, world| {
                    effect(model, world);
                },
            );
        }
    }

    /// Adds a call of the history that changes nothing.
    pub fn read<T>(
        &mut self,
        what: &'static str,
        read: impl Fn(&World) -> T,
        then: impl Fn(&'a Model, &mut World, Option<T>),
    ) {
        self.step(what, |model, world| {
            let told = read(world);
            then(model, world, Some(told));
        });
        self.disturb(Disturbance::LostCall, what, "it fails", |model, world| then(model, world, None));
    }

    fn add(&mut self, what: &'static str, how: &'static str, change: impl FnOnce(&'a Model, &mut World)) {
        let mut after = self.before.clone();
        change(self.model, &mut after);
        after.forget_old_tokens();
        self.found.push((Label { worker: self.worker, what, how }, after));
    }
}
