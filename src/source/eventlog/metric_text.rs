//! The value of a plan's metric in Spark's own words (`SQLMetrics.stringValue`, since Spark 4.2 `MetricUtils.stringValue`), digit for digit:
//! REST knows nothing else of it.

use std::fmt::Write as _;

/// How values of a metric are put together (`SQLMetric.metricType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sum,
    Size,
    /// Milliseconds.
    Timing,
    /// Nanoseconds, shown as milliseconds.
    NanoTiming,
    /// Ten times the value of each task.
    Average,
}

impl Kind {
    /// The kind of this name. Others belong to classes of connectors, which do their own sums (`v2Custom_…`).
    pub fn parse(name: &str) -> Option<Kind> {
        Some(match name {
            "sum" => Kind::Sum,
            "size" => Kind::Size,
            "timing" => Kind::Timing,
            "nsTiming" => Kind::NanoTiming,
            "average" => Kind::Average,
            _ => return None,
        })
    }

    fn show(self, value: i64) -> String {
        match self {
            Kind::Sum => grouped(value),
            Kind::Size => bytes(value),
            Kind::Timing => millis(value),
            Kind::NanoTiming => millis(value / 1_000_000),
            Kind::Average => {
                let sign = if value < 0 { "-" } else { "" };
                let (whole, tenth) = (value.unsigned_abs() / 10, value.unsigned_abs() % 10);
                let whole = grouped_digits(&whole.to_string());
                match tenth {
                    0 => format!("{sign}{whole}"),
                    _ => format!("{sign}{whole}.{tenth}"),
                }
            }
        }
    }
}

/// The task with the highest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Highest {
    pub value: i64,
    pub stage: u32,
    pub attempt: u32,
    pub task: u64,
}

/// The values of all tasks and the driver, as a metric that is no sum shows them. `zeros` counts values of 0 beside `values`, of which those
/// below 0 stand for none.
pub(super) fn spread(kind: Kind, mut values: Vec<i64>, zeros: u64, highest: Option<Highest>) -> String {
    let (least, zeros) = match kind {
        Kind::Average => (1, 0),
        _ => (0, zeros),
    };
    values.retain(|value| *value >= least);
    let count = zeros.saturating_add(values.len() as u64);
    let last = values.iter().max().copied().unwrap_or(0);
    if count <= 1 {
        return kind.show(last);
    }
    // The zeros stand before all others.
    let first = values.iter().min().copied().filter(|_| zeros == 0).unwrap_or(0);
    let middle = (count / 2)
        .checked_sub(zeros)
        .and_then(|place| usize::try_from(place).ok())
        .filter(|place| *place < values.len());
    let median = middle.map_or(0, |place| *values.select_nth_unstable(place).1);
    let (min, med, max) = (kind.show(first), kind.show(median), kind.show(last));
    let task = match highest {
        Some(Highest {
            stage, attempt, task, ..
        }) => format!("(stage {stage}.{attempt}: task {task})"),
        None => "(driver)".to_owned(),
    };
    const SUFFIX: &str = "(min, med, max (stageId: taskId))";
    if kind == Kind::Average {
        return format!("{SUFFIX}:\n({min}, {med}, {max} {task})");
    }
    let sum = values.iter().fold(0_i64, |sum, value| sum.wrapping_add(*value));
    format!("total {SUFFIX}\n{} ({min}, {med}, {max} {task})", kind.show(sum))
}

/// A sum, with commas between thousands.
pub(super) fn grouped(value: i64) -> String {
    let digits = grouped_digits(&value.unsigned_abs().to_string());
    if value < 0 { format!("-{digits}") } else { digits }
}

fn grouped_digits(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `Utils.bytesToString`: a unit from twice its size on, one decimal, halves up.
fn bytes(value: i64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let size = i128::from(value);
    let unit = (1..=UNITS.len()).rev().find(|unit| size >= 2_i128 << (10 * unit));
    let Some(unit) = unit else {
        return format!("{value}.0 B");
    };
    let scale = 1_i128 << (10 * unit);
    let tenths = (size * 10 + scale / 2) / scale;
    let name = UNITS.get(unit - 1).copied().unwrap_or_default();
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// `Utils.msDurationToString`.
fn millis(value: i64) -> String {
    // Spark divides single-precision numbers.
    let of = |scale: f32| f64::from(value as f32 / scale);
    match value {
        i64::MIN..1_000 => format!("{value} ms"),
        1_000..60_000 => format!("{} s", half_up(of(1_000.0), 1)),
        60_000..3_600_000 => format!("{} m", half_up(of(60_000.0), 1)),
        _ => format!("{} h", half_up(of(3_600_000.0), 2)),
    }
}

/// A positive number with so many decimals as Java's `%.1f` writes it: the shortest digits that tell the number, then halves up.
fn half_up(value: f64, decimals: usize) -> String {
    let shortest = value.to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(decimals).collect();
    let up = fraction.chars().nth(decimals).is_some_and(|digit| digit >= '5');
    let digits: u128 = format!("{whole}{kept}").parse().unwrap_or(0);
    let mut digits = (digits + u128::from(up)).to_string();
    while digits.len() <= decimals {
        digits.insert(0, '0');
    }
    let (whole, kept) = digits.split_at(digits.len() - decimals);
    let mut text = String::new();
    let _ = write!(text, "{whole}.{kept}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_commas() {
        let shown = [0, 999, 1_000, -1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "-1,234,567"]);
    }

    #[test]
    fn sizes_and_times_change_their_unit_where_spark_does() {
        let sizes = [0, 2047, 2048, 11_855, 1 << 20, (2 << 20) - 1, 2 << 20, i64::MAX, -1].map(bytes);
        let told = [
            "0.0 B",
            "2047.0 B",
            "2.0 KiB",
            "11.6 KiB",
            "1024.0 KiB",
            "2048.0 KiB",
            "2.0 MiB",
            "8.0 EiB",
            "-1.0 B",
        ];
        assert_eq!(sizes, told);
        let times = [0, 999, 1_000, 1_250, 59_999, 60_000, 3_599_999, 3_600_000, 3_618_000].map(millis);
        let told = [
            "0 ms", "999 ms", "1.0 s", "1.3 s", "60.0 s", "1.0 m", "60.0 m", "1.00 h", "1.00 h",
        ];
        assert_eq!(times, told);
        assert_eq!(Kind::NanoTiming.show(30_622_299), "30 ms");
        assert_eq!(
            [0, 10, 12, 123_456].map(|value| Kind::Average.show(value)),
            ["0", "1", "1.2", "12,345.6"]
        );
    }

    #[test]
    fn several_values_are_told_with_their_spread() {
        let highest = Highest {
            value: 9,
            stage: 3,
            attempt: 1,
            task: 42,
        };
        assert_eq!(
            spread(Kind::Timing, vec![9, -1, 4], 2, Some(highest)),
            "total (min, med, max (stageId: taskId))\n13 ms (0 ms, 4 ms, 9 ms (stage 3.1: task 42))"
        );
        assert_eq!(
            spread(Kind::Average, vec![12, 0, 30], 5, Some(highest)),
            "(min, med, max (stageId: taskId)):\n(1.2, 3, 3 (stage 3.1: task 42))"
        );
        assert_eq!(
            spread(Kind::Size, vec![1, 2], 0, None),
            "total (min, med, max (stageId: taskId))\n3.0 B (1.0 B, 2.0 B, 2.0 B (driver))"
        );
        assert_eq!(spread(Kind::Size, vec![7], 0, Some(highest)), "7.0 B");
        assert_eq!(spread(Kind::Size, vec![-1], 0, None), "0.0 B");
        assert_eq!(spread(Kind::Average, vec![], 3, None), "0");
    }
}
