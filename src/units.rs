//! Numbers as a person reads them, in the style of Spark's web interface: `1.4 GiB`, `4m 51s`, `62×`.

/// Bytes in binary units: `512 B`, `1.4 KiB`, `96 MiB`, `8.1 GiB`. One decimal below ten… as long as it says something.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.95 would print as 1024.0: go on to the next unit there.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A duration of milliseconds: `35 ms`, `4.2s`, `4m 51s`, `3h 05m`, `2d 04h`.
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        // 59.95 s and more would print as 60.0s.
        1..60 if millis < 59_950 => format!("{:.1}s", millis as f64 / 1_000.0),
        1..60 => "1m 00s".to_owned(),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A duration of nanoseconds.
pub fn nanos(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} µs", nanos / 1_000),
        _ => duration(nanos / 1_000_000),
    }
}

/// A round duration of milliseconds, as a tick on an axis: `500ms`, `1.5s`, `1m30s`, `2h`, `1d`.
pub fn tick_duration(millis: u64) -> String {
    match millis {
        0 => return "0".to_owned(),
        1..1_000 => return format!("{millis}ms"),
        1_000..60_000 => return format!("{}s", millis as f64 / 1_000.0),
        _ => {}
    }
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let mut text = String::new();
    let mut rest = millis;
    for (unit, name) in units {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    text
}

/// A round number of bytes, as a tick on an axis: `512B`, `128M`, `4G`.
pub fn tick_bytes(bytes: u64) -> String {
    let units = [
        (60, "E"),
        (50, "P"),
        (40, "T"),
        (30, "G"),
        (20, "M"),
        (10, "K"),
        (0, "B"),
    ];
    let whole = units
        .into_iter()
        .find(|(bits, _)| bytes > 0 && bytes.is_multiple_of(1 << bits));
    whole.map_or("0".to_owned(), |(bits, name)| format!("{}{name}", bytes >> bits))
}

/// A count: `950`, `12,345`, `1.2 million`.
pub fn count(count: u64) -> String {
    if count >= 1_000_000_000 {
        return format!("{:.1} billion", count as f64 / 1e9);
    }
    if count >= 1_000_000 {
        return format!("{:.1} million", count as f64 / 1e6);
    }
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count of things: `1 task`, `12 tasks`, `1 query`, `0 queries`. `one` is the word for one of them.
pub fn counted(number: u64, one: &str) -> String {
    let number_shown = count(number);
    match one
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']))
    {
        _ if number == 1 => format!("1 {one}"),
        Some(stem) => format!("{number_shown} {stem}ies"),
        None => format!("{number_shown} {one}s"),
    }
}

/// A count in a narrow column: `950`, `12,345`, `1.2M`, `3.4G`.
pub fn short_count(number: u64) -> String {
    match number {
        0..1_000_000 => count(number),
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

/// A share: `31%`, `0.4%`, `<0.1%`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if !p.is_finite() => "n/a".to_owned(),
        p if p <= 0.0 => "0%".to_owned(),
        p if p < 0.1 => "<0.1%".to_owned(),
        p if p < 9.95 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

/// How many times something else: `62×`, `3.4×`.
pub fn times(times: f64) -> String {
    match times {
        t if !t.is_finite() => "n/a".to_owned(),
        t if t < 9.95 => format!("{t:.1}×"),
        t if t < 1e6 => format!("{}×", count(t.round() as u64)),
        t => format!("{t:.0e}×"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well_at_every_border() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_434, "1.4 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (100 << 20, "100 MiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (value, text) in cases {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn durations_read_well_at_every_border() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0s"),
            (59_949, "59.9s"),
            (59_950, "1m 00s"),
            (291_000, "4m 51s"),
            (3_600_000, "1h 00m"),
            (90_000_000, "1d 01h"),
        ];
        for (value, text) in cases {
            assert_eq!(duration(value), text);
        }
        assert_eq!(nanos(1_500_000_000), "1.5s");
        assert_eq!(nanos(1_500), "1 µs");
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [500, 1_500, 90_000, 7_200_000, 86_400_000].map(tick_duration),
            ["500ms", "1.5s", "1m30s", "2h", "1d"]
        );
        assert_eq!(
            [0, 512, 128 << 20, 1 << 63].map(tick_bytes),
            ["0", "512B", "128M", "8E"]
        );
    }

    #[test]
    fn counts_shares_and_multiples() {
        let words = [
            (1, "task"),
            (0, "task"),
            (1_200, "task"),
            (1, "query"),
            (2, "query"),
            (3, "day"),
        ];
        assert_eq!(
            words.map(|(number, one)| counted(number, one)),
            ["1 task", "0 tasks", "1,200 tasks", "1 query", "2 queries", "3 days"]
        );
        assert_eq!(count(12_345), "12,345");
        assert_eq!(count(62_000_000), "62.0 million");
        assert_eq!(
            [999_999, 62_000_000, 3_400_000_000].map(short_count),
            ["999,999", "62.0M", "3.4G"]
        );
        assert_eq!(percent(0.3149), "31%");
        assert_eq!(percent(0.0004), "<0.1%");
        assert_eq!(percent(f64::NAN), "n/a");
        assert_eq!(times(62.4), "62×");
        assert_eq!(times(3.44), "3.4×");
    }
}
