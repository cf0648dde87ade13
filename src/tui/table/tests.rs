use super::draw::layout;
use super::*;
use crate::tui::theme::Role;

const COLUMNS: &[Column] = &[
    Column::text("Name", 6, 0).growing(),
    Column::number("Size", 6, 0),
    Column::text("Host", 8, 2),
    Column::text("User", 8, 1),
];

struct Things(Vec<(&'static str, Option<u64>)>);

impl Rows for Things {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn id(&self, row: usize) -> String {
        self.0[row].0.to_owned()
    }
    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        match column {
            0 => (self.0[row].0.into(), Role::Text),
            _ => (
                self.0[row].1.map_or("n/a".into(), |size| size.to_string().into()),
                Role::Text,
            ),
        }
    }
    fn key(&self, row: usize, column: usize) -> Key<'_> {
        match column {
            0 => Key::Text(self.0[row].0.into()),
            _ => Key::number(self.0[row].1),
        }
    }
    fn search(&self, row: usize, into: &mut String) {
        into.push_str(self.0[row].0);
    }
}

fn things() -> Things {
    Things(vec![
        ("join", Some(7)),
        ("scan", None),
        ("count", Some(9)),
        ("write", Some(1)),
    ])
}

fn shown(table: &Table, rows: &Things) -> Vec<&'static str> {
    table.order.iter().map(|row| rows.0[*row as usize].0).collect()
}

fn type_in(table: &mut Table, rows: &Things, text: &str) {
    table.update(Action::Filter, rows);
    text.chars().for_each(|c| assert!(table.update(Action::Type(c), rows)));
}

#[test]
fn absent_values_are_last_whichever_way() {
    let rows = things();
    let mut table = Table::new(COLUMNS, Some((1, true)));
    table.refresh(&rows);
    assert_eq!(shown(&table, &rows), ["count", "join", "write", "scan"]);
    table.update(Action::Reverse, &rows);
    assert_eq!(shown(&table, &rows), ["write", "join", "count", "scan"]);
}

#[test]
fn the_selection_follows_its_row() {
    let rows = things();
    let mut table = Table::new(COLUMNS, None);
    table.refresh(&rows);
    table.update(Action::Down, &rows);
    table.update(Action::Down, &rows);
    assert_eq!(table.selected(), Some(2));
    table.update(Action::Sort, &rows);
    assert_eq!(shown(&table, &rows), ["count", "join", "scan", "write"]);
    assert_eq!(table.selected(), Some(2));
    let fewer = Things(vec![("write", Some(1)), ("count", Some(9))]);
    table.refresh(&fewer);
    assert_eq!(table.selected(), Some(1));
}

#[test]
fn the_filter_is_fuzzy_and_can_be_turned_round() {
    let rows = things();
    let mut table = Table::new(COLUMNS, None);
    table.refresh(&rows);
    table.update(Action::Last, &rows);
    type_in(&mut table, &rows, "cn");
    assert_eq!(shown(&table, &rows), ["scan", "count"]);
    assert!(table.typing());
    assert!(table.back(&rows));
    assert_eq!(
        table.selected(),
        Some(3),
        "the row from before the filter is selected again"
    );
    type_in(&mut table, &rows, "!cn");
    assert_eq!(shown(&table, &rows), ["join", "write"]);
    table.update(Action::Accept, &rows);
    assert!(!table.typing());
    assert!(table.back(&rows));
    assert!(!table.back(&rows));
    assert_eq!(table.len(), 4);
}

#[test]
fn what_is_typed_is_bounded() {
    let rows = things();
    let mut table = Table::new(COLUMNS, None);
    type_in(&mut table, &rows, &"x".repeat(10_000));
    assert!(table.summary(crate::tui::widgets::Glyphs::Ascii).len() < 200);
    table.update(Action::EraseAll, &rows);
    assert!(table.summary(crate::tui::widgets::Glyphs::Ascii).starts_with("/_"));
}

#[test]
fn the_cursor_stays_in_view() {
    let names: Vec<(&'static str, Option<u64>)> = vec![("row", Some(1)); 100];
    let rows = Things(names);
    let mut table = Table::new(COLUMNS, None);
    table.refresh(&rows);
    table.fit(11);
    table.update(Action::PageDown, &rows);
    assert_eq!((table.at, table.top), (10, 1));
    table.update(Action::Last, &rows);
    assert_eq!((table.at, table.top), (99, 90));
    table.fit(51);
    assert_eq!(table.top, 50);
    table.fit(1);
    assert_eq!(table.top, 99);
    table.refresh(&Things(Vec::new()));
    assert_eq!((table.at, table.top, table.selected()), (0, 0, None));
}

#[test]
fn columns_go_by_rank_and_the_rest_grows() {
    let names = |width, cursor| -> Vec<&str> {
        layout(COLUMNS, width, cursor)
            .iter()
            .map(|laid| COLUMNS[laid.column].title)
            .collect()
    };
    assert_eq!(names(40, 0), ["Name", "Size", "Host", "User"]);
    assert_eq!(names(30, 0), ["Name", "Size", "User"]);
    assert_eq!(names(30, 2), ["Name", "Size", "Host"]);
    assert_eq!(names(15, 0), ["Name", "Size"]);
    assert_eq!(layout(COLUMNS, 44, 0)[0].width, 16);
    for width in 0..60 {
        let laid = layout(COLUMNS, width, 0);
        assert!(
            laid.iter().all(|laid| laid.x + laid.width <= width),
            "{width}: {laid:?}"
        );
    }
}

#[test]
fn a_hundred_thousand_rows_sort_and_filter_in_no_time() {
    struct Many;
    impl Rows for Many {
        fn count(&self) -> usize {
            100_000
        }
        fn id(&self, row: usize) -> String {
            row.to_string()
        }
        fn cell(&self, _: usize, _: usize) -> Piece<'_> {
            unreachable!("only visible rows are written")
        }
        fn key(&self, row: usize, _: usize) -> Key<'_> {
            Key::Number((row as f64 * 7919.0) % 100_003.0)
        }
        fn search(&self, row: usize, into: &mut String) {
            into.push_str(&row.to_string());
        }
    }
    let mut table = Table::new(COLUMNS, Some((1, true)));
    table.refresh(&Many);
    table.update(Action::Filter, &Many);
    table.update(Action::Type('9'), &Many);
    assert!(table.len() > 10_000);
    let shown = table.len();
    // Narrowed letter by letter it is what all at once gives.
    table.update(Action::Type('7'), &Many);
    let fuzzy = |row: &usize| {
        row.to_string()
            .split_once('9')
            .is_some_and(|(_, rest)| rest.contains('7'))
    };
    assert_eq!(table.len(), (0..100_000).filter(fuzzy).count());
    table.update(Action::Erase, &Many);
    assert_eq!(table.len(), shown);
    let value = |row: &usize| (*row as f64 * 7919.0) % 100_003.0;
    let greatest = (0..100_000).max_by(|a, b| value(a).total_cmp(&value(b)));
    table.back(&Many);
    table.update(Action::First, &Many);
    assert_eq!(table.selected(), greatest);
}
