//! The tree of a physical plan and what each operator says of itself, out of the text that Spark prints
//! (`ExplainUtils.processPlan`), which event log and REST share. Rules ask it for scans, joins and what they have in common.

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOperator<'a> {
    /// Its number in the text.
    pub number: u32,
    /// Its name, with what the tree adds to it: `Scan parquet`, `SortMergeJoin Inner`.
    pub name: &'a str,
    /// Places of the operators that feed it.
    pub inputs: Vec<usize>,
    /// What the text says of it below the tree: `Condition: …`.
    pub lines: Vec<&'a str>,
}

impl<'a> PlanOperator<'a> {
    /// What stands behind a label, such as `Condition`.
    pub fn field(&self, label: &str) -> Option<&'a str> {
        let after = |line: &&'a str| {
            let rest = line.strip_prefix(label)?.trim_start();
            // `Output [3]: …` or `Location: …`
            let rest = match rest.strip_prefix('[') {
                Some(counted) => counted.split_once(']')?.1,
                None => rest,
            };
            rest.strip_prefix(':').map(str::trim)
        };
        self.lines.iter().find_map(after)
    }

    /// The first word of its name: `Scan`, `SortMergeJoin`.
    pub fn kind(&self) -> &'a str {
        self.name.split([' ', '(']).next().unwrap_or(self.name)
    }
}

/// A plan: its operators, each before those that feed it. Of an adaptive plan the final one alone; subqueries are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTree<'a> {
    /// The operators; the first is the root.
    pub operators: Vec<PlanOperator<'a>>,
}

/// A plan has fewer operators: what has more is not read, so that no text can cost too much.
const MOST_OPERATORS: usize = 10_000;

impl<'a> PlanTree<'a> {
    /// Reads a plan; `None` when the text has no tree.
    pub fn read(text: &'a str) -> Option<PlanTree<'a>> {
        let mut tree = PlanTree::default();
        // (column of the name, place) of the operators above the line.
        let mut above: Vec<(usize, usize)> = Vec::new();
        let mut lines = text.lines();
        let mut initial_from = None;
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                if tree.operators.is_empty() {
                    continue;
                }
                break;
            }
            let column = line
                .find(|c: char| !matches!(c, ' ' | ':' | '+' | '-' | '|'))
                .unwrap_or(0);
            if initial_from.is_some_and(|from| column > from) {
                continue;
            }
            if line.contains("== Initial Plan ==") {
                // Its operators stand as deep as this line or deeper.
                initial_from = Some(column.saturating_sub(1));
                continue;
            }
            let Some((number, name)) = tree_line(line.get(column..).unwrap_or("")) else {
                continue;
            };
            if tree.operators.len() >= MOST_OPERATORS {
                return None;
            }
            while above.last().is_some_and(|(deep, _)| *deep >= column) {
                above.pop();
            }
            let place = tree.operators.len();
            if let Some((_, parent)) = above.last()
                && let Some(parent) = tree.operators.get_mut(*parent)
            {
                parent.inputs.push(place);
            }
            above.push((column, place));
            tree.operators.push(PlanOperator {
                number,
                name,
                inputs: Vec::new(),
                lines: Vec::new(),
            });
        }
        tree.describe(lines);
        (!tree.operators.is_empty()).then_some(tree)
    }

    /// Reads what is said of each operator below the tree, until the subqueries.
    fn describe(&mut self, lines: impl Iterator<Item = &'a str>) {
        let mut places: Vec<(u32, usize)> = self
            .operators
            .iter()
            .enumerate()
            .map(|(place, operator)| (operator.number, place))
            .collect();
        places.sort_unstable();
        let mut at = None;
        for line in lines {
            if line.starts_with("===== Subqueries") {
                break;
            }
            if let Some(number) = heading(line) {
                let known = places.binary_search_by_key(&number, |(number, _)| *number).ok();
                at = known.and_then(|known| places.get(known)).map(|(_, place)| *place);
            } else if let Some(operator) = at.and_then(|at| self.operators.get_mut(at))
                && !line.trim().is_empty()
            {
                operator.lines.push(line.trim());
            }
        }
    }

    /// Operators of a kind, such as `Scan`.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (usize, &PlanOperator<'a>)> {
        self.operators
            .iter()
            .enumerate()
            .filter(move |(_, operator)| operator.kind() == kind)
    }

    /// An operator and all that feed it, nearest first. `stop` says below which operators not to look.
    pub fn below(&self, place: usize, stop: impl Fn(&PlanOperator<'a>) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut todo = vec![place];
        while let Some(place) = todo.pop() {
            let Some(operator) = self.operators.get(place) else {
                continue;
            };
            found.push(place);
            if !stop(operator) {
                todo.extend(operator.inputs.iter().rev());
            }
        }
        found
    }

    /// The operator that an operator feeds.
    pub fn above(&self, place: usize) -> Option<usize> {
        self.operators
            .iter()
            .position(|operator| operator.inputs.contains(&place))
    }
}

/// `* Project (4), Statistics(…)` gives 4 and `Project`.
fn tree_line(line: &str) -> Option<(u32, &str)> {
    let line = line.strip_prefix("* ").unwrap_or(line).trim_end();
    line.starts_with(|c: char| c.is_ascii_uppercase()).then_some(())?;
    // The number ends the line, or something behind a comma follows it: `, coalesced`.
    let numbered = |(at, _): (usize, &str)| {
        let (number, behind) = line.get(at + 2..)?.split_once(')')?;
        let ends = behind.is_empty() || behind.starts_with(',');
        let number = ends.then(|| number.parse().ok()).flatten()?;
        Some((number, line.get(..at)?.trim_end()))
    };
    line.match_indices(" (").find_map(numbered)
}

/// `(10) SortMergeJoin [codegen id : 5]` gives 10.
fn heading(line: &str) -> Option<u32> {
    let (number, rest) = line.strip_prefix('(')?.split_once(") ")?;
    rest.starts_with(|c: char| c.is_ascii_uppercase()).then_some(())?;
    number.parse().ok()
}

/// A name without the id that Spark gives it in a plan: `day#3` gives `day`.
pub fn plain_name(attribute: &str) -> &str {
    let attribute = attribute.trim();
    match attribute.rsplit_once('#') {
        Some((name, id)) if id.trim_end_matches('L').bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => attribute,
    }
}

/// An expression without the ids of its columns: `(day#3 = 2024-03-11)` gives `(day = 2024-03-11)`.
pub fn without_ids(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('#') {
        plain.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            plain.push('#');
        }
        let after = after.get(digits..).unwrap_or("");
        rest = if digits > 0 {
            after.strip_prefix('L').unwrap_or(after)
        } else {
            after
        };
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAPTIVE: &str = "== Physical Plan ==\nAdaptiveSparkPlan (16)\n+- == Final Plan ==\n   * HashAggregate (6)\n   \
        +- AQEShuffleRead (5), coalesced\n      +- ShuffleQueryStage (4), Statistics(sizeInBytes=1536.0 B, rowCount=7)\n         \
        +- * SortMergeJoin Inner (3)\n            :- * Scan parquet spark_catalog.default.t (1)\n            +- Scan csv  (2)\n\
        +- == Initial Plan ==\n   HashAggregate (15)\n   +- Exchange (14)\n\n\n(1) Scan parquet spark_catalog.default.t\n\
        Output [2]: [id#3L, day#4]\nLocation: InMemoryFileIndex [file:/data/t]\nPartitionFilters: [isnotnull(day#4)]\n\n(3) SortMergeJoin [codegen id : 5]\n\
        Join type: Inner\n\n(14) Exchange\nArguments: x\n\n===== Subqueries =====\n\n(1) Scan x\nLocation: other\n";

    #[test]
    fn a_final_plan_is_read_as_a_tree() {
        let tree = PlanTree::read(ADAPTIVE).unwrap();
        let names: Vec<&str> = tree.operators.iter().map(|operator| operator.name).collect();
        assert_eq!(
            names,
            [
                "AdaptiveSparkPlan",
                "HashAggregate",
                "AQEShuffleRead",
                "ShuffleQueryStage",
                "SortMergeJoin Inner",
                "Scan parquet spark_catalog.default.t",
                "Scan csv"
            ]
        );
        assert_eq!(tree.operators[4].inputs, [5, 6]);
        assert_eq!(
            tree.operators[5].field("Location"),
            Some("InMemoryFileIndex [file:/data/t]")
        );
        assert_eq!(tree.operators[5].field("Output"), Some("[id#3L, day#4]"));
        assert_eq!(tree.operators[4].field("Join type"), Some("Inner"));
        assert_eq!(tree.below(4, |_| false), [4, 5, 6]);
        assert_eq!(tree.above(5), Some(4));
        assert_eq!(tree.of_kind("Scan").count(), 2);
    }

    #[test]
    fn text_that_is_no_plan_does_no_harm() {
        for text in [
            "",
            "\n\n\n",
            "(1) Scan",
            "== Physical Plan ==\n+- (2)\n* Foo (x)\n",
            "é (1)\n:- ",
            "A (1)\n\n(1) \n(99) B\nx",
        ] {
            let _ = PlanTree::read(text);
        }
        assert_eq!(PlanTree::read("no tree"), None);
    }

    #[test]
    fn ids_are_taken_out() {
        assert_eq!(
            without_ids("((day#3 = 1) AND isnotnull(id#12L)) #x"),
            "((day = 1) AND isnotnull(id)) #x"
        );
        assert_eq!(plain_name(" day#3"), "day");
        assert_eq!(plain_name("a#b"), "a#b");
    }
}
