//! Scales: where on an axis a value lies, and which round values to write beside it.
//! Used by the charts; knows no drawing.

use crate::{model::Unit, units};

/// From this ratio of the largest to the smallest value on, a linear axis would press most of them into its first cells.
const LOG_FROM: f64 = 10.0;

/// A linear or logarithmic axis from its lowest to its highest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// A linear axis; what is not finite counts as 0, ends in the wrong order are swapped.
    pub fn linear(low: f64, high: f64) -> Self {
        let (low, high) = (finite(low), finite(high));
        Self {
            low: low.min(high),
            high: low.max(high),
            log: false,
        }
    }

    /// A logarithmic axis; its low end is at least 1.
    pub fn log(low: f64, high: f64) -> Self {
        let linear = Self::linear(low.max(1.0), high.max(1.0));
        Self { log: true, ..linear }
    }

    /// The axis that shows these ascending values best: from zero, or logarithmic over the positive ones where they
    /// range over a factor of ten or more.
    pub fn fitting(ascending: &[u64]) -> Self {
        let positive = ascending.partition_point(|&value| value == 0);
        let low = ascending.get(positive).copied().unwrap_or(0) as f64;
        let high = ascending.last().copied().unwrap_or(0) as f64;
        if low > 0.0 && high / low >= LOG_FROM {
            Self::log(low, high)
        } else {
            Self::linear(0.0, high)
        }
    }

    /// Whether distances on this axis are ratios.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// How far along the axis a value lies, 0 to 1; values beyond an end lie on it.
    pub fn fraction(&self, value: f64) -> f64 {
        let (low, high, value) = if self.log {
            (self.low.ln(), self.high.ln(), value.max(1.0).ln())
        } else {
            (self.low, self.high, value)
        };
        let span = high - low;
        if span <= 0.0 || value.is_nan() {
            return 0.0;
        }
        ((value - low) / span).clamp(0.0, 1.0)
    }

    /// The round values on this axis, ascending, `at_most` of them.
    pub fn ticks(&self, unit: Unit, at_most: usize) -> Vec<u64> {
        let ladder = ladder(unit);
        if at_most == 0 || self.high < 1.0 {
            return Vec::new();
        }
        if self.log {
            self.log_ticks(&ladder, unit, at_most)
        } else {
            self.linear_ticks(&ladder, at_most)
        }
    }

    fn linear_ticks(&self, ladder: &[u64], at_most: usize) -> Vec<u64> {
        let count = |step: u64| (self.high / step as f64).floor() - (self.low / step as f64).ceil() + 1.0;
        let step = ladder.iter().copied().find(|&step| count(step) <= at_most as f64);
        let step = step.or(ladder.last().copied()).unwrap_or(1);
        let first = (self.low / step as f64).ceil() as u64;
        let multiples = (0..at_most as u64).map(|n| first.saturating_add(n).saturating_mul(step));
        multiples.take_while(|&tick| tick as f64 <= self.high).collect()
    }

    fn log_ticks(&self, ladder: &[u64], unit: Unit, at_most: usize) -> Vec<u64> {
        let on_axis = |tick: u64| tick as f64 >= self.low && tick as f64 <= self.high;
        let candidates = [ladder.to_vec(), decades(unit)];
        for ticks in candidates {
            let ticks: Vec<u64> = ticks.into_iter().filter(|&tick| on_axis(tick)).collect();
            if ticks.len() <= at_most && !ticks.is_empty() {
                return ticks;
            }
        }
        let all: Vec<u64> = decades(unit).into_iter().filter(|&tick| on_axis(tick)).collect();
        let every = all.len().div_ceil(at_most).max(1);
        all.into_iter().step_by(every).collect()
    }
}

/// A tick's label, as short as it is round.
pub fn tick_label(tick: u64, unit: Unit) -> String {
    match unit {
        Unit::Millis => units::tick_duration(tick),
        Unit::Bytes => units::tick_bytes(tick),
        Unit::Nanos => units::nanos(tick),
        Unit::Count | Unit::Records | Unit::Share | Unit::Times => units::count(tick),
    }
}

/// A value with its unit, as a person reads it.
pub fn text(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Millis => units::duration(value),
        Unit::Bytes => units::bytes(value),
        Unit::Nanos => units::nanos(value),
        Unit::Count | Unit::Records | Unit::Share | Unit::Times => units::count(value),
    }
}

/// A value with its unit in a narrow column.
pub fn short_text(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Count | Unit::Records | Unit::Share | Unit::Times => units::short_count(value),
        _ => text(value, unit),
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// The round values of a unit, ascending over all of `u64`.
fn ladder(unit: Unit) -> Vec<u64> {
    match unit {
        Unit::Count | Unit::Records | Unit::Nanos | Unit::Share | Unit::Times => one_two_five(1),
        Unit::Bytes => (0..64).map(|bit| 1 << bit).collect(),
        Unit::Millis => {
            let mut steps: Vec<u64> = one_two_five(1).into_iter().take_while(|&ms| ms < SECOND).collect();
            steps.extend([1, 2, 5, 10, 30].map(|n| n * SECOND));
            steps.extend([1, 2, 5, 10, 30].map(|n| n * MINUTE));
            steps.extend([1, 2, 5, 12].map(|n| n * HOUR));
            steps.extend(one_two_five(24 * HOUR));
            steps
        }
    }
}

/// The roundest values of a unit only, for a long logarithmic axis.
fn decades(unit: Unit) -> Vec<u64> {
    match unit {
        Unit::Count | Unit::Records | Unit::Nanos | Unit::Share | Unit::Times => powers(1, 10),
        Unit::Bytes => powers(1, 4),
        Unit::Millis => {
            let mut steps = vec![1, 10, 100, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR];
            steps.extend(powers(100 * HOUR, 10));
            steps
        }
    }
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

fn powers(first: u64, base: u64) -> Vec<u64> {
    std::iter::successors(Some(first), |&value| value.checked_mul(base)).collect()
}

fn one_two_five(first: u64) -> Vec<u64> {
    let of_decade = |decade: u64| [1, 2, 5].into_iter().filter_map(move |n| decade.checked_mul(n));
    powers(first, 10).into_iter().flat_map(of_decade).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_between_the_ends() {
        let linear = Scale::linear(0.0, 200.0);
        assert_eq!(
            [linear.fraction(-5.0), linear.fraction(50.0), linear.fraction(900.0)],
            [0.0, 0.25, 1.0]
        );
        let log = Scale::log(1.0, 10_000.0);
        assert_eq!(
            [log.fraction(0.0), log.fraction(100.0), log.fraction(1e9)],
            [0.0, 0.5, 1.0]
        );
    }

    #[test]
    fn log_only_where_the_values_range_widely() {
        assert!(Scale::fitting(&[1_100, 4_200, 291_000]).is_log());
        assert!(!Scale::fitting(&[3_900, 4_200, 4_600]).is_log());
        assert!(
            !Scale::fitting(&[0, 0, 90, 100]).is_log(),
            "zeros alone stretch no axis"
        );
        assert!(!Scale::fitting(&[]).is_log());
        assert!(!Scale::fitting(&[0]).is_log());
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            Scale::linear(0.0, 9_300.0).ticks(Unit::Millis, 6),
            [0, 2_000, 4_000, 6_000, 8_000]
        );
        assert_eq!(Scale::linear(0.0, 95.0).ticks(Unit::Count, 3), [0, 50]);
        let mib = 1 << 20;
        assert_eq!(
            Scale::log(90e6, 9e8).ticks(Unit::Bytes, 6),
            [128 * mib, 256 * mib, 512 * mib]
        );
        assert_eq!(
            Scale::log(1_000.0, 300_000.0).ticks(Unit::Millis, 10),
            [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000]
        );
        assert_eq!(
            Scale::log(1_000.0, 300_000.0).ticks(Unit::Millis, 4),
            [1_000, 10_000, 60_000]
        );
    }

    #[test]
    fn never_more_ticks_than_asked_whatever_the_ends() {
        let ends = [
            0.0,
            1.0,
            3.0,
            1e3,
            7e6,
            1e12,
            u64::MAX as f64,
            f64::INFINITY,
            f64::NAN,
            -4.0,
        ];
        for (low, high) in ends.iter().flat_map(|&low| ends.map(|high| (low, high))) {
            for unit in [Unit::Count, Unit::Millis, Unit::Bytes] {
                for at_most in [0, 1, 2, 7] {
                    assert!(Scale::linear(low, high).ticks(unit, at_most).len() <= at_most);
                    assert!(
                        Scale::log(low, high).ticks(unit, at_most).len() <= at_most,
                        "{low} {high} {unit:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_scale_without_extent_is_all_at_its_start() {
        assert_eq!(Scale::linear(5.0, 5.0).fraction(5.0), 0.0);
        assert_eq!(Scale::log(1.0, 1.0).fraction(7.0), 0.0);
        assert_eq!(Scale::linear(f64::NAN, f64::INFINITY).fraction(f64::NAN), 0.0);
    }
}
