//! What to do about a skewed partition, with the application's own columns where its plan names them.

use super::context::Context;
use super::finding::{Advice, Code};
use super::partitions::{self, Size};
use super::query_plan::{JoinKeys, QueryPlan};
use super::{adaptive, partition_count};
use crate::model::Stage;

/// How the partitions differ.
pub struct SkewSizes {
    /// In what they are measured.
    pub by: Size,
    pub largest: u64,
    pub median: u64,
    /// Parts into which the largest is to be split.
    pub parts: u64,
}

/// The columns by which the stage's rows were shuffled, where the plan leaves no doubt.
pub fn shuffled_by(context: &Context<'_>, stage: &Stage) -> Option<Vec<String>> {
    let plan = QueryPlan::of(context, stage)?;
    plan.only_join().map(|join| join.left).or_else(|| plan.only_shuffle())
}

/// The best first.
pub fn advice(context: &Context<'_>, stage: &Stage, sizes: &SkewSizes) -> Vec<Advice> {
    let line = context.call_site(stage);
    let at = line.line_or_unknown();
    if partitions::reads_files(stage) {
        return vec![spread(context, stage, at)];
    }
    let mut advice = Vec::new();
    let of_aqe = adaptive::Sizes {
        largest: sizes.largest,
        median: sizes.median,
        part: sizes.largest / sizes.parts.max(1),
    };
    let join = QueryPlan::of(context, stage).and_then(|plan| plan.only_join());
    let is_join = join.is_some();
    if sizes.by == Size::Bytes
        && let Some(aqe) = adaptive::split_skew(context.application, stage, of_aqe, is_join)
    {
        advice.push(aqe);
    }
    if stage.sql.is_none() {
        advice.push(salt_pairs(at, sizes.parts));
        advice.push(isolate_pair());
        return advice;
    }
    let keys = Keys::of(join.as_ref());
    advice.push(keys.salt(at, sizes));
    advice.push(keys.broadcast());
    advice.push(keys.isolate());
    advice
}

fn spread(context: &Context<'_>, stage: &Stage, at: &str) -> Advice {
    let count = partition_count::suggest(context, stage);
    let n = count.partitions;
    let name = if stage.sql.is_some() { "df" } else { "rdd" };
    Advice {
        text: format!(
            "Spread the rows over {n} partitions right after reading, before the work at {at} ({}); or write that input in more, \
             equal files.",
            count.because
        ),
        config: Vec::new(),
        code: Code {
            python: format!("{name} = {name}.repartition({n})"),
            scala: format!("val spread = {name}.repartition({n})"),
            sql: if stage.sql.is_some() {
                format!("SELECT /*+ REPARTITION({n}) */ … FROM …")
            } else {
                String::new()
            },
        },
    }
}

/// The columns of the join, as code names them.
struct Keys {
    left: Vec<String>,
    right: Vec<String>,
    /// The join's kind, when the plan names the join.
    kind: Option<String>,
}

impl Keys {
    fn of(join: Option<&JoinKeys>) -> Keys {
        match join {
            Some(join) => Keys {
                left: join.left.clone(),
                right: join.right.clone(),
                kind: Some(join.kind.clone()),
            },
            None => Keys {
                left: vec!["key".into()],
                right: vec!["key".into()],
                kind: None,
            },
        }
    }

    fn what(&self) -> String {
        match &self.kind {
            Some(kind) => format!("the key of the {kind} join ({})", self.left.join(", ")),
            None => "the key".into(),
        }
    }

    /// `"customer_id", "salt"`, or the condition where the two sides name the columns differently.
    fn python(&self, extra: Option<&str>) -> String {
        if self.left == self.right {
            let names: Vec<String> = self
                .left
                .iter()
                .map(String::as_str)
                .chain(extra)
                .map(|name| format!("\"{name}\""))
                .collect();
            return format!("[{}]", names.join(", "));
        }
        self.pairs(extra)
            .map(|(left, right)| format!("(big[\"{left}\"] == other[\"{right}\"])"))
            .collect::<Vec<_>>()
            .join(" & ")
    }

    fn scala(&self, big: &str, other: &str, extra: Option<&str>) -> String {
        if self.left == self.right {
            let names: Vec<String> = self
                .left
                .iter()
                .map(String::as_str)
                .chain(extra)
                .map(|name| format!("\"{name}\""))
                .collect();
            return format!("Seq({})", names.join(", "));
        }
        let equal = |(left, right)| format!("{big}(\"{left}\") === {other}(\"{right}\")");
        self.pairs(extra).map(equal).collect::<Vec<_>>().join(" && ")
    }

    fn sql(&self, extra: Option<&str>) -> String {
        self.pairs(extra)
            .map(|(left, right)| format!("b.{left} = o.{right}"))
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    fn pairs<'a>(&'a self, extra: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a str)> {
        let own = self
            .left
            .iter()
            .zip(&self.right)
            .map(|(left, right)| (left.as_str(), right.as_str()));
        own.chain(extra.map(|extra| (extra, extra)))
    }

    fn salt(&self, at: &str, sizes: &SkewSizes) -> Advice {
        let parts = sizes.parts;
        let even = sizes.largest.div_ceil(sizes.median.max(1));
        let more = match even > parts {
            true => format!(" (two a slot; {even} would bring it down to the median)"),
            false => String::new(),
        };
        let last = parts.saturating_sub(1);
        let salt = Some("salt");
        let outer = match self.kind.as_deref() {
            Some("Inner") => "",
            _ => " In an outer join only the side whose rows are all kept may be the salted one.",
        };
        Advice {
            text: format!(
                "Salt {} at {at} with factor {parts}{more}: {parts} partitions then share what one holds now.{outer}",
                self.what()
            ),
            config: Vec::new(),
            code: Code {
                python: format!(
                    "big = big.withColumn(\"salt\", (F.rand() * {parts}).cast(\"int\"))\n\
                     other = other.withColumn(\"salt\", F.explode(F.sequence(F.lit(0), F.lit({last}))))\n\
                     big.join(other, {})",
                    self.python(salt)
                ),
                scala: format!(
                    "val salted = big.withColumn(\"salt\", (rand() * {parts}).cast(\"int\"))\n\
                     val copies = other.withColumn(\"salt\", explode(sequence(lit(0), lit({last}))))\n\
                     salted.join(copies, {})",
                    self.scala("salted", "copies", salt)
                ),
                sql: format!(
                    "SELECT … FROM (SELECT *, CAST(rand() * {parts} AS INT) AS salt FROM big) b\n\
                     JOIN (SELECT *, explode(sequence(0, {last})) AS salt FROM other) o ON {}",
                    self.sql(salt)
                ),
            },
        }
    }

    fn broadcast(&self) -> Advice {
        Advice {
            text: "If the other side of the join is small (up to a few 100 MiB), broadcast it: then no key has to move at all."
                .into(),
            config: Vec::new(),
            code: Code {
                python: format!("big.join(F.broadcast(other), {})", self.python(None)),
                scala: format!("big.join(broadcast(other), {})", self.scala("big", "other", None)),
                sql: format!("SELECT /*+ BROADCAST(o) */ … FROM big b JOIN other o ON {}", self.sql(None)),
            },
        }
    }

    fn isolate(&self) -> Advice {
        let quoted: Vec<String> = self.left.iter().map(|name| format!("\"{name}\"")).collect();
        let (quoted, plain) = (quoted.join(", "), self.left.join(", "));
        Advice {
            text: "If it is one key (often null, 0 or an empty string), take it out: handle its rows apart and unite the results, \
                   or drop them when they cannot match. Which key it is:"
                .into(),
            config: Vec::new(),
            code: Code {
                python: format!("big.groupBy({quoted}).count().orderBy(F.desc(\"count\")).show(5)"),
                scala: format!("big.groupBy({quoted}).count().orderBy(desc(\"count\")).show(5)"),
                sql: format!("SELECT {plain}, count(*) AS n FROM big GROUP BY {plain} ORDER BY n DESC LIMIT 5"),
            },
        }
    }
}

fn salt_pairs(at: &str, parts: u64) -> Advice {
    Advice {
        text: format!(
            "Salt the key at {at} with factor {parts} and combine in two steps; or use an operation that combines before the \
             shuffle (reduceByKey, aggregateByKey) instead of groupByKey."
        ),
        config: Vec::new(),
        code: Code {
            python: format!(
                "pairs.map(lambda kv: ((kv[0], random.randrange({parts})), kv[1])).reduceByKey(merge)\n    \
                 .map(lambda kv: (kv[0][0], kv[1])).reduceByKey(merge)"
            ),
            scala: format!(
                "pairs.map {{ case (k, v) => ((k, Random.nextInt({parts})), v) }}.reduceByKey(merge)\n  \
                 .map {{ case ((k, _), v) => (k, v) }}.reduceByKey(merge)"
            ),
            sql: String::new(),
        },
    }
}

fn isolate_pair() -> Advice {
    Advice {
        text: "If it is one key (often None, 0 or an empty string), take it out: handle its rows apart and unite the results. Which \
               key it is:"
            .into(),
        config: Vec::new(),
        code: Code {
            python: "pairs.mapValues(lambda _: 1).reduceByKey(operator.add).top(5, key=lambda kv: kv[1])".into(),
            scala: "pairs.mapValues(_ => 1L).reduceByKey(_ + _).top(5)(Ordering.by(_._2))".into(),
            sql: String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_s_own_columns_are_named() {
        let join = |right: &str| JoinKeys {
            left: vec!["customer_id".into()],
            right: vec![right.into()],
            kind: "Inner".into(),
        };
        let sizes = SkewSizes {
            by: Size::Bytes,
            largest: 168,
            median: 1,
            parts: 4,
        };
        let same = Keys::of(Some(&join("customer_id"))).salt("/apps/a.py:3", &sizes);
        assert!(
            same.text
                .starts_with("Salt the key of the Inner join (customer_id) at /apps/a.py:3 with factor 4"),
            "{}",
            same.text
        );
        assert!(
            same.code
                .python
                .ends_with("big.join(other, [\"customer_id\", \"salt\"])"),
            "{}",
            same.code.python
        );
        let other = Keys::of(Some(&join("id")));
        let python = "big.join(F.broadcast(other), (big[\"customer_id\"] == other[\"id\"]))";
        assert_eq!(other.broadcast().code.python, python);
        assert!(
            other
                .salt("x", &sizes)
                .code
                .sql
                .ends_with("ON b.customer_id = o.id AND b.salt = o.salt")
        );
        assert!(
            other
                .salt("x", &sizes)
                .code
                .scala
                .ends_with("salted(\"customer_id\") === copies(\"id\") && salted(\"salt\") === copies(\"salt\"))")
        );
        assert!(Keys::of(None).isolate().code.sql.starts_with("SELECT key, count(*)"));
    }
}
