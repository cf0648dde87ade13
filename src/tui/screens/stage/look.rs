//! The looks at a stage that the key goes through: what is shown above its tasks.

/// What is shown above the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The quantiles; where there is room, all of the first three at once.
    Quantiles,
    /// The two histograms.
    Distributions,
    /// Locality levels and executors.
    Places,
    /// Duration against size.
    Scatter,
    /// The tasks over time.
    Lanes,
    /// Why tasks failed.
    Failures,
    /// What would be if.
    WhatIf,
    /// Nothing: the tasks take it all.
    TasksAlone,
}

impl Look {
    /// The looks that there are, in the order of the key.
    pub fn available(all_at_once: bool, failures: bool) -> Vec<Look> {
        use Look::{Distributions, Failures, Lanes, Places, Quantiles, Scatter, TasksAlone, WhatIf};
        let all = [
            Quantiles,
            Distributions,
            Places,
            Scatter,
            Lanes,
            Failures,
            WhatIf,
            TasksAlone,
        ];
        let there = |look: &Look| match look {
            Distributions | Places => !all_at_once,
            Failures => failures,
            _ => true,
        };
        all.into_iter().filter(there).collect()
    }

    /// Its number among these, from 1.
    pub fn number(self, looks: &[Look]) -> usize {
        looks.iter().position(|look| *look == self).unwrap_or(0) + 1
    }

    /// The one after it.
    pub fn next(self, looks: &[Look]) -> Look {
        looks.get(self.number(looks)).copied().unwrap_or(Look::Quantiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_round_all_looks() {
        for (all_at_once, failures, count) in [(false, true, 8), (false, false, 7), (true, true, 6), (true, false, 5)] {
            let looks = Look::available(all_at_once, failures);
            assert_eq!(looks.len(), count);
            let round = std::iter::successors(Some(Look::Quantiles), |look| Some(look.next(&looks)));
            let round: Vec<Look> = round.take(count + 1).collect();
            assert_eq!(round[..count], looks);
            assert_eq!(round[count], Look::Quantiles);
        }
    }
}
