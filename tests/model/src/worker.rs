//! The program of a worker, one external effect a step, after `worker/src/turn.rs`, `worker/src/turn/` and what the
//! dispatchers do with an outcome. Between any two steps it may crash, be stopped, or lose the lease of its job.

use worker::{
    failure::Reason,
    history::{LastAttempt, PushProgress, SendMethod, Stage},
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

/// A worker, and what it holds in its hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "most are known to nobody in the world")]
pub struct Worker {
    /// Its next step.
    pub at: At,
    /// The job.
    pub job: Job,
    /// The earlier one that is merged with it.
    pub other: Option<Job>,
    /// Its turn, as it began.
    pub turn: Turn,
    /// The other's, once it has begun.
    pub other_turn: Option<Turn>,
    /// The forget marker of the conversation that the draft is made with.
    pub marker: Option<Marker>,
    /// The text of the message that it is made for.
    pub edits: u8,
    /// The others that it is made for.
    pub others: u8,
    /// They are answered together: the earlier one is done with this one.
    pub is_merged: bool,
    /// The answer that is stored.
    pub delivery: Option<Progress>,
    /// Tries of one request within the attempt.
    pub tries: u8,
    /// A try of the reply left its outcome unknown.
    pub was_unknown: bool,
    /// The failure of the attempt.
    pub failure: Option<Failure>,
    /// The answer in its hands.
    pub ghost_answer: Answer,
    /// At its last look nothing of that was taken back.
    pub ghost_is_clean: bool,
    /// The answer was stored when it began.
    pub ghost_was_stored: bool,
    /// The turn was over when it began.
    pub ghost_was_over: bool,
    /// Another attempt at its event began after its own.
    pub ghost_is_overtaken: bool,
    /// Another attempt at its event was under way when its own began, or began since.
    pub ghost_overlaps: bool,
}

/// A turn as an attempt begins it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Turn {
    /// The number of the attempt in its run.
    pub attempts: u32,
    /// Its fencing token.
    pub begun: u32,
    /// How the one before ended.
    pub last: Last,
    /// Whether it is over.
    pub is_over: bool,
}

/// Why an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The reason.
    pub reason: Why,
    /// Another attempt may succeed.
    pub is_passing: bool,
    /// It is that of a run that was given up before, whose letter is written again.
    pub is_recalled: bool,
    /// What is known of the pushes is written down with it.
    pub has_delivery: bool,
}

impl Failure {
    /// One that another attempt may mend.
    pub fn passing(reason: Reason) -> Self {
        Self { reason: Why(reason), is_passing: true, is_recalled: false, has_delivery: false }
    }

    /// That of an earlier attempt.
    pub fn recalled(reason: Reason, is_recalled: bool) -> Self {
        Self { is_recalled, ..Self::lasting(reason) }
    }

    /// One that no attempt mends.
    pub fn lasting(reason: Reason) -> Self {
        Self { is_passing: false, ..Self::passing(reason) }
    }
}

/// The next step of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum At {
    /// It takes a job.
    #[default]
    Idle,
    /// It begins the turn.
    Begin,
    /// The attempt before left no outcome: it runs alone, or waits until it may.
    Suspect,
    /// It withdraws the attempt: another one is made alone.
    WithdrawSuspect,
    /// It withdraws the attempt, because the process stops.
    WithdrawStopped,
    /// It loads the conversation.
    Load,
    /// It obeys a command.
    Obey,
    /// It asks the model.
    Ask,
    /// It stores the answer.
    Store,
    /// It looks what was taken back since an earlier attempt stored the answer.
    LookBeforeDelivery,
    /// It looks whether others wait for an answer that is not to be given.
    LookForOthers,
    /// It records that the turn is forgotten.
    RecordForgotten,
    /// It replies.
    Reply,
    /// A try of the reply failed.
    ReplyFailed,
    /// It looks before it replies again.
    LookBeforeReply,
    /// It records that LINE did not take the reply.
    RecordNotReplied,
    /// It pushes.
    Push,
    /// A try of the push failed.
    PushFailed,
    /// It looks before it pushes again, or the next part.
    LookBeforePush,
    /// It records that a push that was refused is tried again.
    RecordPushing,
    /// It records that a push was refused.
    RecordRefused,
    /// It records that all was delivered.
    RecordDelivered,
    /// It records that the attempt failed.
    RecordFailed,
    /// It looks whether there is a reason not to give up aloud.
    LookBeforeGivingUp,
    /// It records that what it gives up is forgotten.
    GiveUpForgotten,
    /// It records that the run is given up.
    RecordGivenUp,
    /// It writes the dead letter.
    WriteLetter,
    /// It looks whether an apology is due.
    LookBeforeApology,
    /// It marks that the person is told.
    MarkNotified,
    /// It apologises.
    Apologise,
    /// It acknowledges the job.
    Acknowledge,
    /// It hands the job back.
    HandBack,
    /// A step of an attempt at two jobs.
    Merge(merge::At),
}

impl Worker {
    /// Whether it has no job.
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

    /// Whether the attempt stops where it stands when the process stops.
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
                    | At::LookBeforeGivingUp
                    | At::GiveUpForgotten
                    | At::RecordGivenUp
            )
    }
}

/// The steps of a worker.
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
        At::Ask => question::ask(steps, at, &worker),
        At::Store => question::store(steps, at, &worker),
        At::LookBeforeDelivery => deliver::look_before(steps, at, &worker),
        At::Reply => deliver::reply(steps, at, &worker),
        At::ReplyFailed => deliver::reply_failed(steps, at, &worker),
        At::PushFailed => deliver::push_failed(steps, at, &worker),
        At::LookBeforeReply => deliver::look(steps, at, &worker, At::Reply),
        At::RecordNotReplied => deliver::record_not_replied(steps, at, &worker),
        At::Push => deliver::push(steps, at, &worker),
        At::LookBeforePush => deliver::look(steps, at, &worker, At::Push),
        At::RecordPushing => deliver::record_pushing(steps, at, &worker),
        At::RecordRefused => deliver::record_refused(steps, at, &worker),
        At::LookForOthers => end::look_for_others(steps, at, &worker),
        At::RecordForgotten => end::record(steps, at, &worker, "forgotten is recorded", TurnStep::Forgotten),
        At::RecordDelivered => end::record(steps, at, &worker, "delivered is recorded", TurnStep::Delivered),
        At::RecordFailed => end::record_failed(steps, at, &worker, false, At::HandBack),
        At::LookBeforeGivingUp => end::look_before_giving_up(steps, at, &worker),
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

/// Its jobs are visible again, and it has none.
fn release(world: &mut World, at: usize) {
    for queued in world.queue.iter_mut().filter(|queued| queued.holder.map(usize::from) == Some(at)) {
        queued.holder = None;
    }
    world.workers[at] = Worker::default();
}

/// Takes the first job of a group, or the first two, where nobody has one in flight. Jobs that forget have a group of
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
                // To leave needs no turn.
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
            // Nobody counts an attempt that could not begin.
            let Some(told) = told else { return world.workers[at].at = At::HandBack };
            let worker = &mut world.workers[at];
            let (turn, stage) = told;
            worker.turn = turn;
            worker.at = match stage {
                Stage::Delivered | Stage::Forgotten => At::Acknowledge,
                Stage::InDoubt => return give_letter(world, at, Failure::lasting(Reason::DeliveryUnknown)),
                Stage::Open | Stage::Stored(_) => {
                    worker.delivery = stored(stage);
                    match turn.last.0 {
                        LastAttempt::GaveUp(reason) => {
                            return used_up(world, at, Failure::recalled(reason, true));
                        }
                        LastAttempt::Failed(reason) if turn.attempts > model.setting.max_attempts => {
                            // An attempt beside it may have written that.
                            let is_excused = model.setting.workers > 1;
                            return used_up(world, at, Failure::recalled(reason, is_excused));
                        }
                        _ if turn.attempts > model.setting.max_attempts => {
                            return used_up(world, at, Failure::lasting(Reason::WorkerDied));
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

/// Begins a turn, and notes what no attempt knows.
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

/// From the begun turn to its answer.
fn go_on(world: &mut World, at: usize) {
    let worker = &mut world.workers[at];
    worker.at = match world.events[usize::from(worker.job.event)].kind {
        Kind::Unfollow => At::Obey,
        _ if worker.delivery.is_some() => At::LookBeforeDelivery,
        Kind::Question { .. } | Kind::Forget => At::Load,
    };
}

/// Its attempts are used up: it ends without another one.
fn used_up(world: &mut World, at: usize, failure: Failure) {
    let worker = &mut world.workers[at];
    worker.delivery = None;
    worker.failure = Some(failure);
    worker.at = At::LookBeforeGivingUp;
}

/// An attempt fails: another one is made, or the run is given up.
fn fail(model: &Model, world: &mut World, at: usize, failure: Failure) {
    let worker = &mut world.workers[at];
    if worker.other.is_some() && !worker.is_merged {
        return merge::fail(world, at, failure);
    }
    let is_last = !failure.is_passing || worker.turn.attempts >= model.setting.max_attempts;
    if !failure.has_delivery {
        worker.delivery = None;
    }
    worker.failure = Some(failure);
    worker.at = if is_last { At::LookBeforeGivingUp } else { At::RecordFailed };
    (worker.marker, worker.edits, worker.others) = (None, 0, 0);
    (worker.tries, worker.was_unknown) = (0, false);
}

fn give_letter(world: &mut World, at: usize, failure: Failure) {
    world.workers[at].failure = Some(failure);
    world.workers[at].at = At::WriteLetter;
}

/// The answer that is stored goes its way.
fn deliver(world: &mut World, at: usize, progress: PushProgress) {
    let event = world.workers[at].job.event;
    let answer = world.event(event).answer;
    let is_clean = !world.is_taken_back(&answer);
    let worker = &mut world.workers[at];
    (worker.marker, worker.edits, worker.others) = (None, 0, 0);
    (worker.tries, worker.is_merged) = (0, worker.other.is_some());
    (worker.delivery, worker.ghost_answer, worker.ghost_is_clean) =
        (Some(Progress(progress)), answer, is_clean);
    worker.at = match progress.method {
        _ if answer.parts == 0 => At::RecordDelivered,
        SendMethod::ReplyToken => At::Reply,
        SendMethod::Push => deliver::next_push(progress, answer.parts),
    };
}

/// Whether a turn shall not go on: its message was taken back, or its conversation was forgotten since it was said.
fn is_forgotten(world: &World, job: Job, changes: &Changes) -> bool {
    changes.is_taken_back() || changes.marker.is_some_and(|marker| history::covers(world, marker, job.event))
}
