//! How often something that costs time is done: not before a set time has passed, and never so often that it takes more than a small
//! share of the time.

use std::time::{Duration, Instant};

/// One part in so many of the time may go into it.
const SHARE: u32 = 25;

/// When something is due next.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    due: Instant,
    least: Duration,
    /// What the time between is multiplied with each time, in eighths.
    growth: u32,
}

impl Pace {
    /// First after `first`, then every `least` or more seldom.
    pub fn steady(first: Duration, least: Duration) -> Pace {
        Pace {
            due: Instant::now() + first,
            least,
            growth: 8,
        }
    }

    /// First after `first`, then at intervals that begin with `least` and grow by a half each time.
    pub fn growing(first: Duration, least: Duration) -> Pace {
        Pace {
            growth: 12,
            ..Pace::steady(first, least)
        }
    }

    /// Whether it is due.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// How long until it is due.
    pub fn left(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Does it now, and puts the next time off by what it cost.
    pub fn take<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        let cost = begun.elapsed();
        self.due = begun + cost + self.least.max(cost.saturating_mul(SHARE));
        self.least = self.least.saturating_mul(self.growth) / 8;
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_much_is_done_seldom() {
        let mut pace = Pace::steady(Duration::ZERO, Duration::from_millis(1));
        assert!(pace.is_due());
        pace.take(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(!pace.is_due() && pace.left() > Duration::from_millis(400));
        let mut growing = Pace::growing(Duration::ZERO, Duration::from_secs(8));
        growing.take(|| ());
        growing.take(|| ());
        assert!(growing.left() > Duration::from_secs(11) && growing.left() < Duration::from_secs(13));
    }
}
