//! The little statistics that rules need.

use crate::model::quantile_index;

/// A sum that stays at the largest number rather than pass it: logs may hold anything.
pub fn total(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(0, u64::saturating_add)
}

/// The median by Spark's index rule, as the screens show it.
pub fn median(mut values: Vec<u64>) -> Option<u64> {
    let middle = quantile_index(0.5, values.len())?;
    Some(*values.select_nth_unstable(middle).1)
}

/// Spearman's rank correlation of pairs; `None` when one side does not vary. Ties share their mean rank.
pub fn rank_correlation(pairs: &[(u64, u64)]) -> Option<f64> {
    let x = ranks(pairs.iter().map(|pair| pair.0).collect());
    let y = ranks(pairs.iter().map(|pair| pair.1).collect());
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let covariance: f64 = x.iter().zip(&y).map(|(a, b)| (a - mean) * (b - mean)).sum();
    let spread = |ranks: &[f64]| ranks.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>();
    let scale = (spread(&x) * spread(&y)).sqrt();
    (scale > 0.0).then(|| covariance / scale)
}

fn ranks(values: Vec<u64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|at| values[*at]);
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let mean = before as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|at| ranks[*at] = mean);
        before += group.len();
    }
    ranks
}

/// The intercept of the least-squares line through (size, duration): what a task costs whatever its size. At least 0.
pub fn fixed_cost(pairs: &[(u64, u64)]) -> f64 {
    let n = pairs.len() as f64;
    if pairs.is_empty() {
        return 0.0;
    }
    let mean = |of: fn(&(u64, u64)) -> u64| pairs.iter().map(|pair| of(pair) as f64).sum::<f64>() / n;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let covariance: f64 = pairs.iter().map(|(a, b)| (*a as f64 - x) * (*b as f64 - y)).sum();
    let variance: f64 = pairs.iter().map(|(a, _)| (*a as f64 - x).powi(2)).sum();
    if variance <= 0.0 {
        return 0.0;
    }
    (y - covariance / variance * x).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_goes_by_rank() {
        assert_eq!(rank_correlation(&[(1, 10), (2, 11), (3, 900)]), Some(1.0));
        assert_eq!(rank_correlation(&[(1, 3), (2, 2), (3, 1)]), Some(-1.0));
        assert_eq!(rank_correlation(&[(1, 3), (1, 2)]), None);
        let tied = rank_correlation(&[(1, 1), (1, 2), (2, 3), (2, 4)]).unwrap();
        assert!((tied - 0.894).abs() < 0.001, "{tied}");
    }

    #[test]
    fn the_fixed_cost_is_the_intercept() {
        assert_eq!(fixed_cost(&[(0, 50), (10, 60), (20, 70)]), 50.0);
        assert_eq!(fixed_cost(&[(10, 10), (20, 30)]), 0.0);
        assert_eq!(fixed_cost(&[(5, 10)]), 0.0);
        assert_eq!(fixed_cost(&[]), 0.0);
    }

    #[test]
    fn the_median_is_spark_s() {
        assert_eq!(median(vec![4, 1, 3, 2]), Some(3));
        assert_eq!(median(vec![]), None);
    }
}
