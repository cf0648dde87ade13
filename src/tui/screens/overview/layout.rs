//! How the rows of the overview are shared: every part has a least, the spare rows go round by what they tell.
//! Geometry alone.

use ratatui::layout::Rect;

/// Rows that the parts would like, each with its title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where the time went.
    pub time: u16,
    /// What to fix first.
    pub findings: u16,
    /// The timeline.
    pub timeline: u16,
    /// Memory.
    pub memory: u16,
}

impl Wanted {
    /// Rows when nothing is left out.
    pub fn height(&self) -> u16 {
        self.time + self.findings + self.timeline + self.memory
    }
}

/// Where the parts go, from the top; a part without room is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// Where the time went.
    pub time: Rect,
    /// What to fix first.
    pub findings: Rect,
    /// The timeline.
    pub timeline: Rect,
    /// Memory.
    pub memory: Rect,
}

/// Shares the rows of an area. What to fix comes first, then the time, the timeline, the memory.
pub fn arrange(area: Rect, wanted: Wanted) -> Arranged {
    let mut spare = area.height;
    let mut take = |rows: u16| {
        let rows = rows.min(spare);
        spare -= rows;
        rows
    };
    // The least that makes sense of each, the most telling first.
    let mut findings = take(wanted.findings.min(4));
    let mut time = take(wanted.time.min(3));
    let mut timeline = take(wanted.timeline.min(6));
    let mut memory = take(wanted.memory.min(3));
    // A title without a row below it tells nothing.
    for rows in [&mut time, &mut timeline, &mut memory] {
        if *rows == 1 {
            *rows = 0;
            spare += 1;
        }
    }
    let mut grow = |rows: &mut u16, to: u16| {
        let more = to.saturating_sub(*rows).min(spare);
        *rows += more;
        spare -= more;
    };
    if time > 0 {
        grow(&mut time, wanted.time);
    }
    grow(&mut findings, wanted.findings.min(6));
    if timeline > 0 {
        grow(&mut timeline, wanted.timeline.min(10));
    }
    grow(&mut findings, wanted.findings);
    if memory > 0 {
        grow(&mut memory, wanted.memory.min(6));
        grow(&mut timeline, wanted.timeline);
        grow(&mut memory, wanted.memory);
    }
    // Where nothing lacks a row, one stands between the parts.
    let gap = u16::from(spare >= 3);
    let mut y = area.y;
    let mut place = |height: u16| {
        let part = Rect { y, height, ..area };
        y += height + gap;
        part
    };
    Arranged {
        time: place(time),
        findings: place(findings),
        timeline: place(timeline),
        memory: place(memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        time: 4,
        findings: 9,
        timeline: 30,
        memory: 5,
    };

    #[test]
    fn never_more_rows_than_there_are_and_none_lost_while_wanted() {
        for height in 0..80 {
            let area = Rect::new(0, 1, 80, height);
            let parts = arrange(area, WANTED);
            let rows = [parts.time, parts.findings, parts.timeline, parts.memory].map(|part| part.height);
            let sum: u16 = rows.iter().sum();
            assert!(sum <= height, "{height}: {rows:?}");
            assert!(height < 16 || sum == height.min(WANTED.height()), "{height}: {rows:?}");
        }
    }

    #[test]
    fn a_small_screen_has_something_of_everything() {
        let parts = arrange(Rect::new(0, 0, 80, 20), WANTED);
        let rows = [parts.time, parts.findings, parts.timeline, parts.memory].map(|part| part.height);
        assert_eq!(rows, [4, 6, 7, 3]);
    }

    #[test]
    fn a_large_screen_keeps_the_parts_apart() {
        let parts = arrange(Rect::new(0, 1, 80, 51), WANTED);
        let starts = [parts.time, parts.findings, parts.timeline, parts.memory].map(|part| part.y);
        assert_eq!(starts, [1, 6, 16, 47]);
        assert_eq!(parts.memory.bottom(), 52);
        let parts = arrange(Rect::new(0, 1, 80, 50), WANTED);
        assert_eq!(parts.memory.bottom(), 49, "all or none");
    }

    #[test]
    fn what_to_fix_stays_when_there_is_room_for_little() {
        assert_eq!(arrange(Rect::new(0, 0, 80, 3), WANTED).findings.height, 3);
    }
}
