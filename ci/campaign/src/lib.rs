//! How long a campaign goes on, and what it says of itself.
//!
//! A campaign is a test that is short in the gate and can go on for as long as somebody asks:
//! `cargo xtask campaign` asks. Owns the environment variables that say how long, and the line that
//! each campaign ends with. The name of such a test ends in `for_as_long_as_asked`.
//!
//! | variable | means | if it is not set |
//! |---|---|---|
//! | `GLYPHOS_CAMPAIGN` | 1: go on for long; 0: as in the gate | as in the gate |
//! | `GLYPHOS_CAMPAIGN_STATES` | states that each campaign tries at least | the campaign's own number |
//! | `GLYPHOS_CAMPAIGN_MINUTES` | minutes after which each campaign ends | no limit |
//! | `GLYPHOS_CAMPAIGN_SEED` | the seed of each campaign's first round | 1 |
//!
//! States or minutes alone make a campaign long too. Where both are set, the one reached first ends
//! it; minutes alone lift the limit of states, except where a campaign holds its states in memory.
//!
//! Invariants:
//! - a round depends on its seed alone: with the seed of a failed round the same round fails again;
//! - a campaign that tried nothing fails.
#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What the names of tests that are campaigns end in.
pub const TESTS: &str = "for_as_long_as_asked";
/// How each campaign's line begins. A module of tests may be called `campaign` too, and the harness names it.
pub const LINE: &str = "campaign: name=";

/// States that a campaign tries when nobody says how many.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// In the gate.
    pub gate: u64,
    /// In a campaign.
    pub campaign: u64,
}

/// A campaign under way.
#[derive(Debug)]
pub struct Campaign {
    name: &'static str,
    is_long: bool,
    states_max: u64,
    time_max: Option<Duration>,
    first_seed: u64,
    rounds: u64,
    states: u64,
    began: Instant,
}

impl Campaign {
    /// Begins the campaign `name`, as long as the environment says.
    ///
    /// # Panics
    /// If a variable is set to something that is not a whole number.
    #[must_use]
    pub fn begin(name: &'static str, size: Size) -> Self {
        Self::with(name, size, |variable| {
            let text = std::env::var(variable).ok()?;
            let number = text.parse().ok();
            assert!(
                number.is_some(),
                "{variable} is a whole number, not {text:?}"
            );
            number
        })
    }

    fn with(name: &'static str, size: Size, asked: impl Fn(&str) -> Option<u64>) -> Self {
        let minutes = asked("GLYPHOS_CAMPAIGN_MINUTES");
        let states = asked("GLYPHOS_CAMPAIGN_STATES");
        let is_campaign = asked("GLYPHOS_CAMPAIGN").is_some_and(|number| number > 0);
        let otherwise = match is_campaign {
            _ if minutes.is_some() => u64::MAX,
            false => size.gate,
            true => size.campaign,
        };
        Campaign {
            name,
            is_long: is_campaign || minutes.is_some() || states.is_some(),
            states_max: states.unwrap_or(otherwise),
            time_max: minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
            first_seed: asked("GLYPHOS_CAMPAIGN_SEED").unwrap_or(1),
            rounds: 0,
            states: 0,
            began: Instant::now(),
        }
    }

    /// Tries rounds until it is enough, and ends the campaign; `round` says how many states it tried,
    /// or which promise is broken. A long campaign has as many rounds under way as there are processors,
    /// a short one has one: the tests beside it have the others.
    ///
    /// # Panics
    /// At the first broken promise, with its round's seed; and as [`end`](Self::end).
    pub fn run(self, round: impl Fn(u64) -> Result<u64, String> + Sync) {
        let threads = if self.is_long {
            thread::available_parallelism().map_or(1, usize::from)
        } else {
            1
        };
        let shared = Mutex::new((self, None));
        let work = || {
            let mut stop = StopIfPanicking(&shared);
            while let Some(seed) = stop.next_round() {
                let outcome = round(seed);
                let (campaign, failure) = &mut *lock(&shared);
                match outcome {
                    Ok(states) => campaign.add(states),
                    Err(violation) => {
                        let told = format!("GLYPHOS_CAMPAIGN_SEED={seed}: {violation}");
                        *failure = failure.take().or(Some(told));
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let (campaign, failure) = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert!(failure.is_none(), "{}", failure.unwrap_or_default());
        campaign.end();
    }

    /// The seed of the next round; `None` when the campaign has gone on for long enough.
    pub fn next_round(&mut self) -> Option<u64> {
        if self.rounds > 0 && self.is_over(self.states) {
            return None;
        }
        let seed = self.first_seed.wrapping_add(self.rounds);
        self.rounds += 1;
        Some(seed)
    }

    /// Whether a campaign that has tried `states` states has gone on for long enough.
    #[must_use]
    pub fn is_over(&self, states: u64) -> bool {
        states >= self.states_max || self.time_max.is_some_and(|max| self.began.elapsed() >= max)
    }

    /// States that end the campaign.
    #[must_use]
    pub fn states_max(&self) -> u64 {
        self.states_max
    }

    /// Counts the states of a round.
    pub fn add(&mut self, states: u64) {
        self.states = self.states.saturating_add(states);
    }

    /// Ends the campaign and prints its line.
    ///
    /// # Panics
    /// If it tried nothing.
    pub fn end(self) {
        assert!(self.states > 0, "the campaign {} tried nothing", self.name);
        println!("{}", self.line());
    }

    fn line(&self) -> String {
        let last_seed = self.first_seed.wrapping_add(self.rounds.saturating_sub(1));
        format!(
            "{LINE}\"{}\" states={} seeds={}..{last_seed} seconds={}",
            self.name,
            self.states,
            self.first_seed,
            self.began.elapsed().as_secs()
        )
    }
}

/// A campaign that several threads take rounds of, and the first broken promise.
type Shared = Mutex<(Campaign, Option<String>)>;

fn lock(shared: &Shared) -> MutexGuard<'_, (Campaign, Option<String>)> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes rounds, and takes care that nobody does any more when a round of this thread has panicked.
struct StopIfPanicking<'a>(&'a Shared);

impl StopIfPanicking<'_> {
    fn next_round(&mut self) -> Option<u64> {
        match &mut *lock(self.0) {
            (campaign, None) => campaign.next_round(),
            (_, Some(_)) => None,
        }
    }
}

impl Drop for StopIfPanicking<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(self.0).1 = Some(String::from("a round panicked; its message is above"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        gate: 25,
        campaign: 55,
    };

    fn asking(variable: &'static str, value: u64) -> impl Fn(&str) -> Option<u64> {
        move |name| (name == variable).then_some(value)
    }

    fn rounds(mut campaign: Campaign, states: u64) -> (Vec<u64>, Campaign) {
        let mut seeds = Vec::new();
        while let Some(seed) = campaign.next_round() {
            seeds.push(seed);
            campaign.add(states);
        }
        (seeds, campaign)
    }

    #[test]
    fn a_campaign_goes_on_until_its_states_are_tried() {
        let (seeds, campaign) = rounds(Campaign::with("any", SIZE, |_| None), 10);
        assert_eq!(seeds, [1, 2, 3]);
        assert!(
            campaign
                .line()
                .starts_with("campaign: name=\"any\" states=30 seeds=1..3 seconds="),
        );
        let long = Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN", 1));
        assert_eq!(rounds(long, 10).0.len(), 6);
        let asked = asking("GLYPHOS_CAMPAIGN_STATES", 40);
        assert_eq!(
            rounds(Campaign::with("any", SIZE, asked), 10).0,
            [1, 2, 3, 4]
        );
    }

    #[test]
    fn a_seed_that_is_asked_for_is_that_of_the_first_round() {
        let asked = asking("GLYPHOS_CAMPAIGN_SEED", 77);
        assert_eq!(rounds(Campaign::with("any", SIZE, asked), 25).0, [77]);
    }

    #[test]
    fn minutes_lift_the_limit_of_states_and_end_the_campaign() {
        let none = Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN_MINUTES", 0));
        assert_eq!(none.states_max(), u64::MAX);
        assert_eq!(rounds(none, 10).0, [1], "one round is always tried");
        let long = Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN_MINUTES", 600));
        assert!(!long.is_over(u64::MAX - 1));
    }

    #[test]
    fn a_long_campaign_tries_every_seed_once_on_all_processors() {
        let tried = Mutex::new(Vec::new());
        Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN_STATES", 1_000)).run(|seed| {
            tried.lock().unwrap().push(seed);
            Ok(10)
        });
        let mut tried = tried.into_inner().unwrap();
        tried.sort_unstable();
        let count = tried.len() as u64;
        assert!(tried.into_iter().eq(1..=count), "each once, none left out");
        let processors = thread::available_parallelism().map_or(1, usize::from) as u64;
        assert!((100..100 + processors).contains(&count), "{count} rounds");
    }

    #[test]
    #[should_panic(expected = "GLYPHOS_CAMPAIGN_SEED=3: a promise")]
    fn a_broken_promise_ends_a_campaign_with_its_seed() {
        Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN_MINUTES", 600)).run(
            |seed| match seed {
                3 => Err(String::from("a promise")),
                _ => Ok(1),
            },
        );
    }

    #[test]
    fn a_panic_in_one_round_ends_the_others() {
        let run = || {
            let long = Campaign::with("any", SIZE, asking("GLYPHOS_CAMPAIGN_MINUTES", 600));
            long.run(|seed| {
                assert_ne!(seed, 5, "on purpose");
                Ok(1)
            });
        };
        assert!(std::panic::catch_unwind(run).is_err());
    }

    #[test]
    #[should_panic(expected = "tried nothing")]
    fn a_campaign_that_tried_nothing_fails() {
        Campaign::with("any", SIZE, |_| None).end();
    }
}
