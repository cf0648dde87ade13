//! Moments as a person reads them, in the reader's time zone: `today 02:14`, `yesterday 18:20`, `Nov 3 09:00`, `2024-11-03 09:00`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment (epoch ms) in words, seen from `now_ms`.
pub fn moment(at_ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    let zoned = |ms: i64| {
        Timestamp::from_millisecond(ms)
            .ok()
            .map(|moment| moment.to_zoned(zone.clone()))
    };
    let (Some(at), Some(now)) = (zoned(at_ms), zoned(now_ms)) else {
        return "n/a".to_owned();
    };
    let yesterday = now.date().yesterday().ok();
    match at.date() {
        day if day == now.date() => at.strftime("today %H:%M").to_string(),
        day if Some(day) == yesterday => at.strftime("yesterday %H:%M").to_string(),
        day if day.year() == now.year() => at.strftime("%b %-d %H:%M").to_string(),
        _ => at.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

/// The time of day (epoch ms) with seconds, for things of one run.
pub fn clock(at_ms: i64, zone: &TimeZone) -> String {
    let moment = Timestamp::from_millisecond(at_ms).ok();
    moment.map_or_else(
        || "n/a".to_owned(),
        |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_shorter() {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let now = ms("2026-11-21T09:40:00Z");
        let seen = |text| moment(ms(text), now, &TimeZone::UTC);
        assert_eq!(seen("2026-11-21T02:14:59Z"), "today 02:14");
        assert_eq!(seen("2026-11-20T18:20:00Z"), "yesterday 18:20");
        assert_eq!(seen("2026-11-03T09:00:00Z"), "Nov 3 09:00");
        assert_eq!(seen("2024-11-03T09:00:00Z"), "2024-11-03 09:00");
        assert_eq!(moment(i64::MAX, now, &TimeZone::UTC), "n/a");
        assert_eq!(clock(now, &TimeZone::UTC), "09:40:00");
    }
}
