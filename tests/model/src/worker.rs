//! The program of a worker, one external effect a step, after `worker/src/turn.rs`, `worker/src/turn/` and the
//! dispatchers. Between any two steps it may crash, be stopped, or lose the lease of its job.

use worker::{
    failure::Reason,
    history::{LastAttempt, PushProgress, PushState, SendMethod, Stage},
    rules::turn::TurnStep,
};

use crate::{
    history::{self, Begun, Changes},
    setting::{Disturbance, Kind, Model},
    steps::Steps,
    world::{Answer, Job, Last, Marker, Progress, Why, World},
};

mod deliver;
mod end;
mod merge;
mod question;

/// A worker, with the data of its attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "most are ghosts, which no program knows")]
pub struct Worker {
    /// The next step.
    pub at: At,
    /// The job.
    pub job: Job,
    /// The earlier job that is merged with it.
    pub other: Option<Job>,
    /// The turn as the attempt began it.
    pub turn: Turn,
    /// The earlier job's turn, once the attempt has begun it.
    pub other_turn: Option<Turn>,
    /// The forget marker of the conversation that the draft is made with.
    pub marker: Option<Marker>,
    /// The number of edits of the message that the draft is made for.
    pub edits: u8,
    /// The number of other questions that the draft is made for.
    pub others: u8,
    /// Whether the draft says nothing, because the chat is paused.
    pub is_silent: bool,
    /// Whether the two jobs have one answer: the earlier one is done with this one.
    pub is_merged: bool,
    /// The answer that is stored.
    pub delivery: Option<Progress>,
    /// The tries of one request within the attempt.
    pub tries: u8,
    /// Whether a try of the reply left its outcome unknown.
    pub was_unknown: bool,
    /// The failure of the attempt.
    pub failure: Option<Failure>,
    /// The answer that the worker sends.
    pub ghost_answer: Answer,
    /// Whether at the last look no part of the answer was taken back.
    pub ghost_is_clean: bool,
    /// Whether at the last look a pause forbade the answer.
    pub ghost_is_paused: bool,
    /// Whether the answer was stored when the attempt began.
    pub ghost_was_stored: bool,
    /// Whether the turn was over when the attempt began.
    pub ghost_was_over: bool,
    /// Whether another attempt at its event began after its own.
    pub ghost_is_overtaken: bool,
    /// Whether another attempt at its event was under way when its own began, or began since.
    pub ghost_overlaps: bool,
}

/// A turn as an attempt begins it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Turn {
    /// The number of the attempt in its run.
    pub attempts: u32,
    /// The fencing token of the attempt.
    pub begun: u32,
    /// The end of the attempt before.
    pub last: Last,
    /// Whether the turn is over.
    pub is_over: bool,
}

/// The failure of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The reason.
    pub reason: Why,
    /// Whether another attempt may succeed.
    pub is_passing: bool,
    /// Whether the failure is that of a run that was given up before, whose letter is written again.
    pub is_recalled: bool,
    /// Whether the knowledge of the pushes is recorded with it.
    pub has_delivery: bool,
}

impl Failure {
    /// Makes a failure after which another attempt may succeed.
    pub fn retryable(reason: Reason) -> Self {
        Self { reason: Why(reason), is_passing: true, is_recalled: false, has_delivery: false }
    }

    /// Makes the failure of an earlier attempt.
    pub fn recalled(reason: Reason, is_recalled: bool) -> Self {
        Self { is_recalled, ..Self::permanent(reason) }
    }

    /// Makes a failure after which no attempt can succeed.
    pub fn permanent(reason: Reason) -> Self {
        Self { is_passing: false, ..Self::retryable(reason) }
    }
}

/// The next step of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum At {
    /// The worker takes a job.
    #[default]
    Idle,
    /// The worker begins the turn.
    Begin,
    /// The worker saw that the attempt before left no outcome: it runs alone, or waits until it may.
    Suspect,
    /// The worker withdraws the attempt: another one is made alone.
    WithdrawSuspect,
    /// The worker withdraws the attempt, because the process stops.
    WithdrawStopped,
    /// The worker loads the conversation.
    Load,
    /// The worker obeys a command.
    Obey,
    /// The worker asks the model.
    JobKind,
    /// The worker stores the answer.
    Store,
    /// The worker looks for changes since an earlier attempt stored the answer.
    LookBeforeDelivery,
    /// The worker looks whether others wait for an answer that is cancelled.
    LookForOthers,
    /// The worker records that the turn is forgotten.
    RecordForgotten,
    /// The worker replies.
    Reply,
    /// A try of the reply failed.
    ReplyFailed,
    /// The worker looks for changes before it replies again.
    LookBeforeReply,
    /// The worker records that LINE did not take the reply.
    RecordNotReplied,
    /// The worker records that it replies, because the month's messages are used up.
    RecordReplying,
    /// The worker pushes.
    Push,
    /// A try of the push failed.
    PushFailed,
    /// The worker looks for changes before it pushes again, or pushes the next part.
    LookBeforePush,
    /// The worker records that it tries a refused push again.
    RecordPushing,
    /// The worker records that a push was refused.
    RecordRefused,
    /// The worker records that the answer was delivered.
    RecordDelivered,
    /// The worker records that the attempt failed.
    RecordFailed,
    /// The worker looks whether there is a reason to end the turn silently.
    LookAfterFailure {
        /// Whether the failure ends the run.
        ends_run: bool,
    },
    /// The worker records that the turn is forgotten, instead of giving up.
    GiveUpForgotten,
    /// The worker records that the run is given up.
    RecordGivenUp,
    /// The worker writes the dead letter.
    WriteLetter,
    /// The worker looks whether an apology is due.
    LookBeforeApology,
    /// The worker records that the person gets an apology.
    MarkNotified,
    /// The worker apologises.
    Apologise,
    /// The worker acknowledges the job.
    Acknowledge,
    /// The worker hands the job back.
    HandBack,
    /// A step of an attempt at two jobs.
    Merge(merge::At),
}

impl Worker {
    /// Whether the worker has no job.
    pub fn is_idle(&self) -> bool {
        self.at == At::Idle
    }

    /// Whether its attempt has begun and has no outcome yet.
    fn is_attempting(&self) -> bool {
        !matches!(
            self.at,
            At::Idle
                | At::Begin
                | At::Merge(merge::At::Begin)
                | At::WriteLetter
                | At::LookBeforeApology
                | At::MarkNotified
                | At::Apologise
                | At::Acknowledge
                | At::HandBack
        )
    }

    /// Whether the attempt ends at this step when the process stops.
    fn may_be_stopped(&self) -> bool {
        self.is_attempting()
            && !matches!(
                self.at,
                At::Suspect
                    | At::WithdrawSuspect
                    | At::WithdrawStopped
                    | At::RecordFailed
                    | At::Merge(
                        merge::At::Withdraw { .. } | merge::At::FailAnew { .. } | merge::At::Fail { .. }
                    )
                    | At::LookAfterFailure { .. }
                    | At::GiveUpForgotten
                    | At::RecordGivenUp
            )
    }
}

/// Adds the steps of a worker.
pub fn next(steps: &mut Steps<'_>, at: usize) {
    let worker = steps.before.workers[at];
    disturbances(steps, at, &worker);
    match worker.at {
        At::Idle => take(steps, at),
        At::Begin => begin(steps, at, worker.job),
        At::Suspect => {
            steps.step("it runs alone", |_, world| {
                world.event_mut(worker.job.event).ghost_died = false;
                go_on(world, at);
            });
            steps.step("it waits until it may run alone", |_, world| {
                world.workers[at].at = At::WithdrawSuspect;
            });
        }
        At::WithdrawSuspect | At::WithdrawStopped => {
            let effect = |model: &Model, world: &mut World| {
                let _ = history::step(model, world, worker.job, &TurnStep::Withdrawn { cost: None });
            };
            steps.call("the attempt is withdrawn", false, effect, |_, world, _| {
                world.workers[at].at = At::HandBack;
            });
        }
        At::Load => question::load(steps, at, &worker),
        At::Obey => question::carry_out(steps, at, &worker),
        At::JobKind => question::ask(steps, at, &worker),
        At::Store => question::store(steps, at, &worker),
        At::LookBeforeDelivery => deliver::look_before(steps, at, &worker),
        At::Reply => deliver::reply(steps, at, &worker),
        At::ReplyFailed => deliver::reply_failed(steps, at, &worker),
        At::PushFailed => deliver::push_failed(steps, at, &worker),
        At::LookBeforeReply => deliver::look(steps, at, &worker, At::Reply),
        At::RecordNotReplied => deliver::record_not_replied(steps, at, &worker),
        At::RecordReplying => deliver::record_replying(steps, at, &worker),
        At::Push => deliver::push(steps, at, &worker),
        At::LookBeforePush => deliver::look(steps, at, &worker, At::Push),
        At::RecordPushing => deliver::record_pushing(steps, at, &worker),
        At::RecordRefused => deliver::record_refused(steps, at, &worker),
        At::LookForOthers => end::look_for_others(steps, at, &worker),
        At::RecordForgotten => end::record(steps, at, &worker, "forgotten is recorded", TurnStep::Forgotten),
        At::RecordDelivered => end::record(steps, at, &worker, "delivered is recorded", TurnStep::Delivered),
        At::RecordFailed => end::record_failed(steps, at, &worker, false, At::HandBack),
        At::LookAfterFailure { ends_run } => end::look_after_failure(steps, at, &worker, ends_run),
        At::GiveUpForgotten => end::give_up_forgotten(steps, at, &worker),
        At::RecordGivenUp => end::record_failed(steps, at, &worker, true, At::WriteLetter),
        At::WriteLetter => end::write_letter(steps, at, &worker),
        At::LookBeforeApology => end::look_before_apology(steps, at, &worker),
        At::MarkNotified => end::mark_notified(steps, at, &worker),
        At::Apologise => end::apologise(steps, at, &worker),
        At::Acknowledge => end::acknowledge(steps, at, &worker),
        At::HandBack => end::hand_back(steps, at),
        At::Merge(step) => merge::next(steps, at, &worker, step),
    }
}

fn disturbances(steps: &mut Steps<'_>, at: usize, worker: &Worker) {
    if worker.is_idle() {
        return;
    }
    steps.disturb(Disturbance::Crash, "it crashes", "", |model, world| {
        if worker.is_attempting() && model.setting.workers == 1 {
            for job in [Some(worker.job), worker.other].into_iter().flatten() {
                let event = world.event_mut(job.event);
                event.ghost_died = event.rows[event.rows.len() - 1].0.last == LastAttempt::Crashed;
            }
        }
        release(world, at);
    });
    if worker.may_be_stopped() {
        steps.disturb(Disturbance::Stop, "its process stops", "", |_, world| {
            if worker.other.is_some() && !worker.is_merged {
                return merge::withdraw(world, at);
            }
            let stopped = &mut world.workers[at];
            (stopped.at, stopped.failure, stopped.delivery) = (At::WithdrawStopped, None, None);
        });
    }
}

/// Makes the worker's jobs visible again, and the worker idle.
fn release(world: &mut World, at: usize) {
    for queued in world.queue.iter_mut().filter(|queued| queued.holder.map(usize::from) == Some(at)) {
        queued.holder = None;
    }
    world.workers[at] = Worker::default();
}

/// Takes the first job of a group, or the first two, if no worker has one in flight. Jobs that forget have a group of
/// their own.
fn take(steps: &mut Steps<'_>, at: usize) {
    let (queue, setting) = (&steps.before.queue, &steps.model.setting);
    let holder = u8::try_from(at).ok();
    let is_question = |job: Job| matches!(steps.before.event(job.event).kind, Kind::Question { .. });
    let group = |questions: bool| -> Vec<usize> {
        (0..queue.len()).filter(|&place| is_question(queue[place].job) == questions).collect()
    };
    for questions in [true, false] {
        let Some(&first) = group(questions).first() else { continue };
        if queue[first].holder.is_none() {
            let what = if questions { "it takes a job" } else { "it takes a job that forgets" };
            steps.step(what, |_, world| {
                world.queue[first].holder = holder;
                let job = world.queue[first].job;
                // An unfollow needs no turn.
                let begin = if world.event(job.event).kind == Kind::Unfollow { At::Obey } else { At::Begin };
                world.workers[at] = Worker { at: begin, job, ..Worker::default() };
            });
        }
    }
    let [one, two, ..] = group(true)[..] else { return };
    let (first, second) = (queue[one], queue[two]);
    let are_free = first.holder.is_none() && second.holder.is_none();
    if setting.merges && are_free && first.job.event != second.job.event {
        let (job, other) = (second.job, Some(first.job));
        steps.step("it takes two jobs", |_, world| {
            (world.queue[one].holder, world.queue[two].holder) = (holder, holder);
            let begin = At::Merge(merge::At::Begin);
            world.workers[at] = Worker { at: begin, job, other, ..Worker::default() };
        });
    }
}

fn begin(steps: &mut Steps<'_>, at: usize, job: Job) {
    steps.call(
        "its attempt begins",
        false,
        |model, world| begun(model, world, at, job),
        |model, world, told| {
            // An attempt that could not begin is not counted.
            let Some(told) = told else { return world.workers[at].at = At::HandBack };
            let worker = &mut world.workers[at];
            let (turn, stage) = told;
            worker.turn = turn;
            worker.at = match stage {
                Stage::Delivered | Stage::Forgotten => At::Acknowledge,
                Stage::InDoubt => return give_letter(world, at, Failure::permanent(Reason::DeliveryUnknown)),
                Stage::Open | Stage::Stored(_) => {
                    worker.delivery = stored(stage);
                    match turn.last.0 {
                        LastAttempt::GaveUp(reason) => {
                            return used_up(world, at, Failure::recalled(reason, true));
                        }
                        LastAttempt::Failed(reason) if turn.attempts > model.setting.max_attempts => {
                            // An attempt beside it may have written that failure.
                            let is_excused = model.setting.workers > 1;
                            return used_up(world, at, Failure::recalled(reason, is_excused));
                        }
                        _ if turn.attempts > model.setting.max_attempts => {
                            return used_up(world, at, Failure::permanent(Reason::WorkerDied));
                        }
                        LastAttempt::Crashed => At::Suspect,
                        LastAttempt::None | LastAttempt::Failed(_) => {
                            if world.event(job.event).ghost_died && model.setting.workers == 1 {
                                world.breaks(crate::invariants::Invariant::DeathsAreIsolated);
                            }
                            return go_on(world, at);
                        }
                    }
                }
            };
        },
    );
}

/// Begins a turn, and sets the ghosts, which no attempt knows.
fn begun(model: &Model, world: &mut World, at: usize, job: Job) -> (Turn, Stage<PushProgress>) {
    let event = world.event(job.event);
    let mut overlaps = false;
    let (was_stored, was_over, answer) = (event.ghost_stored, event.stage().is_over(), event.answer);
    let Begun { attempts, begun, last, stage } = history::begin(model, world, job);
    for (other, worker) in world.workers.iter_mut().enumerate() {
        let is_same = worker.job.event == job.event || worker.other.is_some_and(|it| it.event == job.event);
        if other != at && is_same && !worker.is_idle() && worker.at != At::Begin {
            (worker.ghost_is_overtaken, worker.ghost_overlaps) = (true, true);
            overlaps = true;
        }
    }
    let worker = &mut world.workers[at];
    worker.ghost_was_stored |= was_stored;
    worker.ghost_was_over |= was_over;
    worker.ghost_answer = answer;
    worker.ghost_overlaps |= overlaps;
    let turn = Turn { attempts, begun, last: Last(last), is_over: stage.is_over() };
    (turn, stage)
}

fn stored(stage: Stage<PushProgress>) -> Option<Progress> {
    if let Stage::Stored(progress) = stage { Some(Progress(progress)) } else { None }
}

/// Continues from the begun turn to its answer.
fn go_on(world: &mut World, at: usize) {
    let worker = &mut world.workers[at];
    worker.at = match world.events[usize::from(worker.job.event)].kind {
        Kind::Unfollow => At::Obey,
        _ if worker.delivery.is_some() => At::LookBeforeDelivery,
        Kind::Question { .. } | Kind::Forget => At::Load,
    };
}

/// Ends a turn whose attempts are used up, without another attempt.
fn used_up(world: &mut World, at: usize, failure: Failure) {
    let worker = &mut world.workers[at];
    worker.delivery = None;
    worker.failure = Some(failure);
    worker.at = At::LookAfterFailure { ends_run: true };
}

/// Fails an attempt: another one is made, or the run is given up.
fn fail(model: &Model, world: &mut World, at: usize, failure: Failure) {
    let worker = &mut world.workers[at];
    if worker.other.is_some() && !worker.is_merged {
        return merge::fail(model, world, at, failure);
    }
    let ends_run = !failure.is_passing || worker.turn.attempts >= model.setting.max_attempts;
    if !failure.has_delivery {
        worker.delivery = None;
    }
    worker.failure = Some(failure);
    worker.at = At::LookAfterFailure { ends_run };
    (worker.marker, worker.edits, worker.others, worker.is_silent) = (None, 0, 0, false);
    (worker.tries, worker.was_unknown) = (0, false);
}

fn give_letter(world: &mut World, at: usize, failure: Failure) {
    world.workers[at].failure = Some(failure);
    world.workers[at].at = At::WriteLetter;
}

/// Starts the delivery of the stored answer.
fn deliver(world: &mut World, at: usize, progress: PushProgress) {
    let event = world.workers[at].job.event;
    let answer = world.event(event).answer;
    let is_clean = !world.is_taken_back(&answer);
    let worker = &mut world.workers[at];
    (worker.marker, worker.edits, worker.others, worker.is_silent) = (None, 0, 0, false);
    (worker.tries, worker.is_merged) = (0, worker.other.is_some());
    (worker.delivery, worker.ghost_answer) = (Some(Progress(progress)), answer);
    (worker.ghost_is_clean, worker.ghost_is_paused) = (is_clean, false);
    worker.at = match progress.method {
        _ if answer.parts == 0 => At::RecordDelivered,
        // An operator wants the answer to be pushed, whose reply LINE certainly refused.
        SendMethod::ReplyOnly if worker.job.run > 0 && progress.state == PushState::Refused => {
            At::RecordPushing
        }
        SendMethod::ReplyToken | SendMethod::ReplyOnly => At::Reply,
        SendMethod::Push => deliver::next_push(progress, answer.parts),
    };
}

/// Whether a turn must end: its message was unsent, or its conversation was forgotten since the message.
fn is_forgotten(world: &World, job: Job, changes: &Changes) -> bool {
    changes.is_taken_back() || changes.marker.is_some_and(|marker| history::covers(world, marker, job.event))
}
