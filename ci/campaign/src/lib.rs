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

use std::time::{Duration, Instant};

/// What the names of tests that are campaigns end in.
pub const TESTS: &str = "for_as_long_as_asked";
/// How each campaign's line begins.
pub const LINE: &str = "campaign:";

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
        let otherwise = match asked("GLYPHOS_CAMPAIGN") {
            _ if minutes.is_some() => u64::MAX,
            None | Some(0) => size.gate,
            Some(_) => size.campaign,
        };
        Campaign {
            name,
            states_max: asked("GLYPHOS_CAMPAIGN_STATES").unwrap_or(otherwise),
            time_max: minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
            first_seed: asked("GLYPHOS_CAMPAIGN_SEED").unwrap_or(1),
            rounds: 0,
            states: 0,
            began: Instant::now(),
        }
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
            "{LINE} name=\"{}\" states={} seeds={}..{last_seed} seconds={}",
            self.name,
            self.states,
            self.first_seed,
            self.began.elapsed().as_secs()
        )
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
    #[should_panic(expected = "tried nothing")]
    fn a_campaign_that_tried_nothing_fails() {
        Campaign::with("any", SIZE, |_| None).end();
    }
}
