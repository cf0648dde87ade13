//! What the physical plan of a SQL execution tells a rule: the columns that rows are joined and partitioned by, and what sends
//! all rows to one partition. Reads the text that Spark prints (`spark.sql.ui.explainMode=formatted`), which logs and REST share.

use super::context::Context;
use crate::model::Stage;

/// The columns of both sides of a shuffle join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinKeys {
    /// Columns of the left side.
    pub left: Vec<String>,
    /// Those that they must equal, of the right side.
    pub right: Vec<String>,
    /// `Inner`, `LeftOuter`, …
    pub kind: String,
}

/// What put all rows into one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// A window without `PARTITION BY`.
    Window,
    /// `coalesce(1)`.
    Coalesce,
    /// `repartition(1)`.
    Repartition,
    /// An aggregate without groups.
    Aggregate,
    /// A limit.
    Limit,
}

impl Single {
    /// In a few words.
    pub const fn short(self) -> &'static str {
        match self {
            Single::Window => "a window without PARTITION BY",
            Single::Coalesce => "coalesce(1)",
            Single::Repartition => "repartition(1)",
            Single::Aggregate => "an aggregate without GROUP BY",
            Single::Limit => "a limit",
        }
    }

    /// In a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Single::Window => "A window without PARTITION BY puts all rows into one partition.",
            Single::Coalesce => "coalesce(1) makes one task do everything since the last shuffle.",
            Single::Repartition => "repartition(1) puts all rows into one partition.",
            Single::Aggregate => "An aggregate without GROUP BY brings all its parts together in one task.",
            Single::Limit => "A limit brings its rows together in one task.",
        }
    }
}

/// One operator of the plan: `(10) SortMergeJoin [codegen id : 5]` and the lines under it.
#[derive(Debug)]
struct Operator<'a> {
    name: &'a str,
    lines: Vec<&'a str>,
}

/// A plan, read.
#[derive(Debug)]
pub struct QueryPlan<'a> {
    operators: Vec<Operator<'a>>,
}

impl<'a> QueryPlan<'a> {
    /// The plan of a stage's SQL execution; `None` where there is none, or none was read.
    pub fn of(context: &Context<'a>, stage: &Stage) -> Option<QueryPlan<'a>> {
        let sql = context.application.sql.iter().find(|sql| Some(sql.id) == stage.sql)?;
        QueryPlan::read(sql.plan.as_deref()?)
    }

    fn read(text: &'a str) -> Option<QueryPlan<'a>> {
        let mut operators: Vec<Operator<'a>> = Vec::new();
        for line in text.lines() {
            if let Some(name) = operator_name(line) {
                operators.push(Operator {
                    name,
                    lines: Vec::new(),
                });
            } else if let Some(operator) = operators.last_mut() {
                operator.lines.push(line.trim());
            }
        }
        (!operators.is_empty()).then_some(QueryPlan { operators })
    }

    /// The keys of the plan's shuffle join, when there is just one and its keys are plain columns.
    pub fn only_join(&self) -> Option<JoinKeys> {
        let is_join = |operator: &&Operator<'_>| matches!(operator.name, "SortMergeJoin" | "ShuffledHashJoin");
        let mut joins: Vec<JoinKeys> = Vec::new();
        for join in self.operators.iter().filter(is_join) {
            let keys = join_keys(join)?;
            // Adaptive execution prints the plan twice, before and after.
            if !joins.contains(&keys) {
                joins.push(keys);
            }
        }
        (joins.len() == 1).then(|| joins.pop()).flatten()
    }

    /// The columns that rows are shuffled by, when all shuffles by columns agree.
    pub fn only_shuffle(&self) -> Option<Vec<String>> {
        let by = |operator: &Operator<'_>| {
            let inside = arguments(operator)?
                .strip_prefix("hashpartitioning(")?
                .split_once(", ENSURE_REQUIREMENTS")?
                .0;
            // The number of partitions comes last.
            columns(inside.trim_end_matches(')').rsplit_once(", ")?.0)
        };
        let mut all: Vec<Vec<String>> = self
            .operators
            .iter()
            .filter(|o| o.name == "Exchange")
            .filter_map(by)
            .collect();
        all.dedup();
        (all.len() == 1).then(|| all.pop()).flatten()
    }

    /// What put all rows into one partition, when the plan has one such place.
    pub fn single_partition(&self) -> Option<Single> {
        let mut found: Vec<Single> = Vec::new();
        for (at, operator) in self.operators.iter().enumerate() {
            let single = match (operator.name, arguments(operator)) {
                ("Coalesce", Some(arguments)) if first_argument(arguments) == "1" => Single::Coalesce,
                ("Exchange", Some(arguments)) if arguments.starts_with("SinglePartition") => match self.after(at) {
                    Some(name) if name.starts_with("Window") => Single::Window,
                    Some(name) if name.ends_with("Aggregate") => Single::Aggregate,
                    Some(name) if name.ends_with("Limit") => Single::Limit,
                    _ if arguments.contains("REPARTITION_BY_NUM") => Single::Repartition,
                    _ => return None,
                },
                ("Exchange", Some(arguments)) if arguments.starts_with("RoundRobinPartitioning(1)") => {
                    Single::Repartition
                }
                _ => continue,
            };
            found.push(single);
        }
        found.dedup();
        (found.len() == 1).then(|| found.pop()).flatten()
    }

    /// The operator that works on what an exchange brought, past what only sorts, filters or hands on.
    fn after(&self, at: usize) -> Option<&'a str> {
        const HANDS_ON: [&str; 9] = [
            "Sort",
            "Project",
            "Filter",
            "ShuffleQueryStage",
            "AQEShuffleRead",
            "InputAdapter",
            "WholeStageCodegen",
            "ColumnarToRow",
            "CustomShuffleReader",
        ];
        let mut names = self.operators.iter().skip(at + 1).map(|operator| operator.name);
        names.find(|name| !HANDS_ON.contains(name))
    }
}

/// `(10) SortMergeJoin [codegen id : 5]` gives `SortMergeJoin`; other lines give nothing.
fn operator_name(line: &str) -> Option<&str> {
    let (number, rest) = line.strip_prefix('(')?.split_once(") ")?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let name = rest.split([' ', '(']).next()?;
    (numbered && name.starts_with(|c: char| c.is_ascii_uppercase())).then_some(name)
}

fn arguments<'a>(operator: &Operator<'a>) -> Option<&'a str> {
    operator.lines.iter().find_map(|line| line.strip_prefix("Arguments: "))
}

fn first_argument(arguments: &str) -> &str {
    arguments.split(',').next().unwrap_or(arguments).trim()
}

fn join_keys(join: &Operator<'_>) -> Option<JoinKeys> {
    // `Left keys [1]: [customer_id#34L]`
    let list = |start: &str| {
        let line = join.lines.iter().find(|line| line.starts_with(start))?;
        columns(line.split_once("]: [")?.1.strip_suffix(']')?)
    };
    let kind = join
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("Join type: "))
        .unwrap_or("Inner");
    let (left, right) = (list("Left keys")?, list("Right keys")?);
    (left.len() == right.len() && !left.is_empty()).then(|| JoinKeys {
        left,
        right,
        kind: kind.to_owned(),
    })
}

/// `customer_id#34L, region#41L` gives the names; `None` when something is no plain column.
fn columns(list: &str) -> Option<Vec<String>> {
    let column = |text: &str| {
        let (name, id) = text.trim().rsplit_once('#')?;
        let is_id = !id.is_empty() && id.trim_end_matches('L').bytes().all(|byte| byte.is_ascii_digit());
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (is_id && is_name).then(|| name.to_owned())
    };
    list.split(',').map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEWED_JOIN: &str = "== Physical Plan ==\n* HashAggregate (14)\n+- Exchange (13)\n\n\n(3) Project [codegen id : 1]\n\
        Output [2]: [CASE WHEN ((id#32L % 100) < 92) THEN 0 END AS customer_id#34L, receipt#35]\n\n(4) Exchange\nInput [2]: [customer_id#34L, receipt#35]\n\
        Arguments: hashpartitioning(customer_id#34L, 16), ENSURE_REQUIREMENTS, [plan_id=144]\n\n(10) SortMergeJoin [codegen id : 5]\n\
        Left keys [1]: [customer_id#34L]\nRight keys [1]: [id#40L]\nJoin type: Inner\nJoin condition: None\n";

    #[test]
    fn the_only_join_s_keys_are_read() {
        let plan = QueryPlan::read(SKEWED_JOIN).unwrap();
        let join = plan.only_join().unwrap();
        assert_eq!(
            (join.left, join.right, join.kind.as_str()),
            (vec!["customer_id".into()], vec!["id".into()], "Inner")
        );
        assert_eq!(plan.only_shuffle(), Some(vec!["customer_id".to_owned()]));
        let two = format!("{SKEWED_JOIN}\n(20) ShuffledHashJoin\nLeft keys [1]: [a#1]\nRight keys [1]: [b#2]\n");
        assert_eq!(QueryPlan::read(&two).unwrap().only_join(), None);
        let again = format!("{SKEWED_JOIN}{SKEWED_JOIN}");
        assert!(QueryPlan::read(&again).unwrap().only_join().is_some());
        let computed = SKEWED_JOIN.replace("[customer_id#34L]", "[cast(customer_id#34L as string)]");
        assert_eq!(QueryPlan::read(&computed).unwrap().only_join(), None);
    }

    #[test]
    fn what_sends_all_rows_to_one_partition_is_found() {
        let plan = |after: &str| {
            format!(
                "(3) Exchange\nArguments: SinglePartition, ENSURE_REQUIREMENTS, [plan_id=93]\n\n(4) Sort [codegen id : 2]\nArguments: x\n\n{after}"
            )
        };
        let single = |text: &str| QueryPlan::read(text).unwrap().single_partition();
        assert_eq!(
            single(&plan("(5) Window\nArguments: [row_number() …]")),
            Some(Single::Window)
        );
        assert_eq!(single(&plan("(5) HashAggregate\nKeys: []")), Some(Single::Aggregate));
        assert_eq!(single("(7) Coalesce\nArguments: 1\n"), Some(Single::Coalesce));
        assert_eq!(single("(7) Coalesce\nArguments: 10\n"), None);
        assert_eq!(single(&plan("(5) Union\n")), None);
    }

    #[test]
    fn text_that_is_no_plan_does_no_harm() {
        assert!(QueryPlan::read("").is_none());
        assert!(QueryPlan::read("(x) Sort\n() Y\n(1)").is_none());
        assert!(
            QueryPlan::read("(1) SortMergeJoin\nLeft keys [1]: [\nRight keys")
                .unwrap()
                .only_join()
                .is_none()
        );
        assert_eq!(columns("a#1, b"), None);
        assert_eq!(columns("#1"), None);
    }
}
