//! The scrubber's pace: how much of the processor it takes, and how soon it comes round.
//!
//! Owns the meaning of the options `scrub_share_percent` and `scrub_longest_age_seconds`, and the
//! figures about both. Pure arithmetic over times and positions that it is given; the walk itself
//! is the substrate's, and it goes on where it stopped.
//!
//! Invariants:
//! - beside its share of the time that passed the background takes at most [`CREDIT_NS_MAX`];
//! - within its share it keeps to a plan that verifies every line within the longest age, and runs
//!   no further ahead of it than [`LINES_PER_LOOK`] lines;
//! - after damage it takes its whole share until one whole pass found nothing;
//! - the age that it tells is never less than the true age of the line verified longest ago.

use crate::options::Options;

/// A slice of work ends this many nanoseconds after it began, but for the lines that are verified
/// between two looks at the clock: a key that comes meanwhile waits no longer.
pub(crate) const SLICE_NS: u64 = 1_000_000;
/// Lines verified between two looks at the clock: microseconds on a processor, under emulation a
/// third of a millisecond.
pub(crate) const LINES_PER_LOOK: u64 = 256;
/// Processor time that may be saved up: what the longest share earns between two ticks of the timer.
const CREDIT_NS_MAX: i64 = 20_000_000;
/// Part of the longest age that a pass is planned to take, and the longest rest after one that was
/// early. Both together have to be less than the whole: the last line waits for both.
const PLAN_PERCENT: u64 = 70;
const REST_PERCENT: u64 = 20;
/// Time over which the used share is measured.
const WINDOW_NS: u64 = 10_000_000_000;
/// Parts of the walk whose times are kept.
const SEGMENTS: usize = 64;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// Lines verified in one go: from where to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Lines of the pass verified before.
    pub(crate) from: u64,
    /// Lines of the pass verified now; all of them when the pass is over.
    pub(crate) to: u64,
    /// Lines of a whole pass.
    pub(crate) lines: u64,
}

/// When the scrubber works.
#[derive(Debug)]
pub(crate) struct Scrubber {
    share_percent: u64,
    longest_age_ns: u64,
    /// Processor time that it may take now; below zero after a slice that took longer.
    credit_ns: i64,
    credited_at: u64,
    /// When the plan has the running pass begin; in the future if the last one was early.
    planned_at: u64,
    /// When the last whole pass was over, or the start.
    pass_ended: u64,
    /// For each part of the walk a time before which none of its lines was last verified.
    verified_at: [u64; SEGMENTS],
    /// When the walk came to the part that it is in.
    segment_began: u64,
    /// Damage found up to now, and whether a whole pass without any is still to come.
    failures: u64,
    is_alert: bool,
    has_found: bool,
    window_began: u64,
    used_ns: u64,
    share_ratio: f64,
    was_late: bool,
}

impl Scrubber {
    /// Begins at `now_ns`, with every line just made and so as good as verified.
    pub(crate) fn new(options: &Options, now_ns: u64) -> Self {
        let age_seconds = u64::from(options.scrub_longest_age_seconds);
        Scrubber {
            share_percent: u64::from(options.scrub_share_percent),
            longest_age_ns: age_seconds.saturating_mul(NS_PER_SECOND),
            credit_ns: 0,
            credited_at: now_ns,
            planned_at: now_ns,
            pass_ended: now_ns,
            verified_at: [now_ns; SEGMENTS],
            segment_began: now_ns,
            failures: 0,
            is_alert: false,
            has_found: false,
            window_began: now_ns,
            used_ns: 0,
            share_ratio: 0.0,
            was_late: false,
        }
    }

    /// Lines that are due, `position` lines into a pass of `lines`, if time for a slice is earned.
    pub(crate) fn due(&mut self, now_ns: u64, position: u64, lines: u64) -> Option<u64> {
        self.earn(now_ns);
        self.measure(now_ns);
        let slice = i64::try_from(SLICE_NS).unwrap_or(i64::MAX);
        if self.share_percent == 0 || self.credit_ns < slice {
            return None;
        }
        if self.is_alert {
            return Some(u64::MAX);
        }
        let passed = u128::from(now_ns.saturating_sub(self.planned_at));
        let plan = self.percent_of_age(PLAN_PERCENT).max(1);
        let due = u128::from(lines).saturating_mul(passed) / u128::from(plan);
        let behind = due.checked_sub(u128::from(position))?;
        let behind = u64::try_from(behind).unwrap_or(u64::MAX);
        (behind > 0).then(|| behind.max(LINES_PER_LOOK))
    }

    /// Notes damage found so far, by the walk or by anybody's read.
    pub(crate) fn note_failures(&mut self, failures: u64) {
        if failures > self.failures {
            self.failures = failures;
            self.is_alert = true;
            self.has_found = true;
        }
    }

    /// Notes lines that were verified from `began_ns` to `now_ns`.
    pub(crate) fn advanced(&mut self, stretch: Stretch, began_ns: u64, now_ns: u64) {
        let Stretch { from, to, lines } = stretch;
        let segment = |position: u64| {
            let part = u128::from(position) * SEGMENTS as u128 / u128::from(lines.max(1));
            usize::try_from(part).map_or(SEGMENTS, |part| part.min(SEGMENTS))
        };
        for time in self
            .verified_at
            .iter_mut()
            .take(segment(to))
            .skip(segment(from))
        {
            *time = core::mem::replace(&mut self.segment_began, began_ns);
        }
        if to >= lines {
            self.pass_over(now_ns);
        }
    }

    fn pass_over(&mut self, now_ns: u64) {
        self.pass_ended = now_ns;
        let on_time = self
            .planned_at
            .saturating_add(self.percent_of_age(PLAN_PERCENT));
        let rest = self.percent_of_age(REST_PERCENT);
        self.planned_at = on_time.clamp(now_ns, now_ns.saturating_add(rest));
        self.is_alert = core::mem::take(&mut self.has_found);
    }

    /// Takes the time of a slice off what was earned.
    pub(crate) fn spend(&mut self, began_ns: u64, now_ns: u64) {
        let took = now_ns.saturating_sub(began_ns);
        self.earn(now_ns);
        let took_signed = i64::try_from(took).unwrap_or(i64::MAX);
        self.credit_ns = self.credit_ns.saturating_sub(took_signed);
        self.used_ns = self.used_ns.saturating_add(took);
    }

    fn earn(&mut self, now_ns: u64) {
        let passed = now_ns.saturating_sub(self.credited_at);
        self.credited_at = now_ns;
        let earned = passed.saturating_mul(self.share_percent) / 100;
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        self.credit_ns = self.credit_ns.saturating_add(earned).min(CREDIT_NS_MAX);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a window is some seconds, far below 2^53 nanoseconds"
    )]
    fn measure(&mut self, now_ns: u64) {
        let window = now_ns.saturating_sub(self.window_began);
        if window >= WINDOW_NS {
            self.share_ratio = self.used_ns as f64 / window as f64;
            (self.window_began, self.used_ns) = (now_ns, 0);
        }
    }

    const fn percent_of_age(&self, percent: u64) -> u64 {
        self.longest_age_ns / 100 * percent
    }

    /// Part of the processor that scrubbing took in the last whole window, 0 to 1; operators' own
    /// passes among it.
    pub(crate) const fn share_ratio(&self) -> f64 {
        self.share_ratio
    }

    /// Nanoseconds since the line that waits longest was verified, at most.
    pub(crate) fn oldest_ns(&self, now_ns: u64) -> u64 {
        let oldest = self.verified_at.iter().copied().min().unwrap_or(now_ns);
        now_ns.saturating_sub(oldest)
    }

    /// Nanoseconds by which that passes the longest age; 0 while the promise is kept.
    pub(crate) fn lag_ns(&self, now_ns: u64) -> u64 {
        self.oldest_ns(now_ns).saturating_sub(self.longest_age_ns)
    }

    /// Nanoseconds since a whole pass was over, or since the start.
    pub(crate) const fn since_pass_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.pass_ended)
    }

    /// Tells once, when it becomes so, that the longest age is not kept.
    pub(crate) fn has_become_late(&mut self, now_ns: u64) -> bool {
        let is_late = self.share_percent > 0 && self.lag_ns(now_ns) > 0;
        let was_late = core::mem::replace(&mut self.was_late, is_late);
        is_late && !was_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = NS_PER_SECOND;

    /// A substrate of `lines` lines on a machine that verifies one in `line_ns`, under a loop that
    /// sleeps until the next tick of 10 ms when nothing is due.
    struct World {
        scrubber: Scrubber,
        now: u64,
        lines: u64,
        line_ns: u64,
        position: u64,
        passes: u64,
        busy_ns: u64,
        /// When each line was verified last.
        verified: std::vec::Vec<u64>,
    }

    impl World {
        fn new(share: u32, age: u32, lines: u64, line_ns: u64) -> Self {
            let options = Options {
                scrub_share_percent: share,
                scrub_longest_age_seconds: age,
                ..Options::default()
            };
            let count = usize::try_from(lines).unwrap();
            World {
                scrubber: Scrubber::new(&options, 0),
                now: 0,
                lines,
                line_ns,
                position: 0,
                passes: 0,
                busy_ns: 0,
                verified: std::vec![0; count],
            }
        }

        fn slice(&mut self, due: u64) {
            let began = self.now;
            let mut left = due;
            while self.now - began < SLICE_NS && left > 0 {
                let before = self.now;
                let from = self.position;
                let to = (from + LINES_PER_LOOK.min(left)).min(self.lines);
                left -= to - from;
                for line in from..to {
                    self.verified[usize::try_from(line).unwrap()] = self.now;
                    self.now += self.line_ns;
                }
                let stretch = Stretch {
                    from,
                    to,
                    lines: self.lines,
                };
                self.scrubber.advanced(stretch, before, self.now);
                self.position = to % self.lines;
                if self.position == 0 {
                    self.passes += 1;
                    break;
                }
            }
            self.scrubber.spend(began, self.now);
            self.busy_ns += self.now - began;
        }

        /// Runs the loop until `end`, and gives the greatest true age of a line at any tick.
        fn run_until(&mut self, end: u64) -> u64 {
            let mut oldest_ever = 0;
            while self.now < end {
                while let Some(due) = self.scrubber.due(self.now, self.position, self.lines) {
                    self.slice(due);
                }
                self.now = (self.now / (10 * MS) + 1) * 10 * MS;
                if self.now.is_multiple_of(100 * MS) {
                    let oldest = self.verified.iter().min().unwrap();
                    let age = self.now - oldest;
                    assert!(
                        self.scrubber.oldest_ns(self.now) >= age,
                        "told {} for {age}",
                        self.scrubber.oldest_ns(self.now)
                    );
                    oldest_ever = oldest_ever.max(age);
                }
            }
            oldest_ever
        }
    }

    #[test]
    fn every_line_is_verified_within_the_longest_age_at_little_cost() {
        for (lines, line_ns) in [(100, 20), (5440, 1300), (200_000, 1300), (200_000, 16)] {
            let mut world = World::new(10, 20, lines, line_ns);
            let oldest = world.run_until(200 * SECOND);
            assert!(oldest <= 20 * SECOND, "{lines} lines: {oldest} ns");
            assert_eq!(world.scrubber.lag_ns(world.now), 0);
            assert!(!world.scrubber.has_become_late(world.now));
            // A pass takes its plan of 14 s; one that is a single look rests for 4 s.
            let passes = if lines <= LINES_PER_LOOK { 50 } else { 14 };
            assert!(world.passes.abs_diff(passes) <= 1, "{}", world.passes);
        }
    }

    #[test]
    fn the_longest_age_is_kept_after_passes_that_were_early() {
        let mut world = World::new(10, 20, 200_000, 16);
        for second in [1, 7, 8, 30, 31, 55, 100] {
            let oldest = world.run_until(second * SECOND);
            assert!(oldest <= 20 * SECOND, "at {second} s: {oldest} ns");
            world.scrubber.note_failures(second);
        }
        let oldest = world.run_until(160 * SECOND);
        assert!(oldest <= 20 * SECOND, "{oldest} ns");
    }

    #[test]
    fn the_share_is_kept_and_used_whole_when_the_age_cannot_be() {
        for share in [1, 10, 50, 90] {
            // A pass takes 2.6 s of processor time, so no share keeps an age of 1 s.
            let mut world = World::new(share, 1, 2_000_000, 1300);
            world.run_until(60 * SECOND);
            let bound = world.now / 100 * u64::from(share);
            assert!(
                world.busy_ns <= bound + 25 * MS,
                "{share} %: {}",
                world.busy_ns
            );
            assert!(
                world.busy_ns >= bound / 10 * 9,
                "{share} %: {}",
                world.busy_ns
            );
            assert!(world.scrubber.lag_ns(world.now) > 0);
            assert!(world.scrubber.has_become_late(world.now));
            assert!(!world.scrubber.has_become_late(world.now), "told once");
            let told = world.scrubber.share_ratio();
            assert!((told * 100.0 - f64::from(share)).abs() < 1.0, "{told}");
        }
    }

    #[test]
    fn a_slice_is_over_within_two_milliseconds() {
        let mut world = World::new(50, 1, 1_000_000, 1300);
        world.now = SECOND;
        let due = world.scrubber.due(world.now, 0, world.lines).unwrap();
        world.slice(due);
        assert!(world.busy_ns <= 2 * MS, "{}", world.busy_ns);
    }

    #[test]
    fn damage_hurries_the_scrubber_until_a_whole_pass_is_clean() {
        let mut world = World::new(10, 600, 100_000, 1300);
        world.run_until(30 * SECOND);
        let (before, position) = (world.passes, world.position);
        assert!(position > 0, "the walk is under way");
        world.scrubber.note_failures(1);
        // The rest of this pass and the next are 0.26 s of work at most, at a tenth of the time.
        world.run_until(34 * SECOND);
        assert_eq!(
            world.passes,
            before + 2,
            "the rest of a pass and a whole one"
        );
        world.run_until(60 * SECOND);
        assert_eq!(world.passes, before + 2, "then it is calm again");
        world.scrubber.note_failures(1);
        world.run_until(62 * SECOND);
        assert_eq!(world.passes, before + 2, "nothing new was found");
    }

    #[test]
    fn a_share_of_nothing_turns_it_off() {
        let mut world = World::new(0, 1, 1000, 1);
        world.run_until(20 * SECOND);
        assert_eq!(world.busy_ns, 0);
        assert!(!world.scrubber.has_become_late(world.now));
        assert!(
            world.scrubber.lag_ns(world.now) > 0,
            "and the figure says so"
        );
    }
}
