//! What a plan says of a scan: where it reads, which columns, how it filters.

use super::plan_tree::{PlanOperator, plain_name};

/// The first place that a file scan reads, without `file:`; `InMemoryFileIndex(3 paths)[file:/data/t, …]`.
pub fn location<'a>(operator: &PlanOperator<'a>) -> Option<&'a str> {
    let text = operator.field("Location")?;
    let paths = text.split_once('[')?.1;
    let first = paths.split([',', ']']).next()?.trim();
    let path = first.strip_prefix("file:").unwrap_or(first);
    (!path.is_empty()).then_some(path)
}

/// What a scan is of, as its author knows it: the table's name behind the format, else the place.
pub fn of_what<'a>(operator: &PlanOperator<'a>) -> Option<&'a str> {
    let table = operator
        .name
        .strip_prefix("Scan ")?
        .split_once(' ')
        .map(|(_, table)| table.trim());
    table.filter(|table| !table.is_empty()).or_else(|| location(operator))
}

/// The columns of its output.
pub fn output<'a>(operator: &PlanOperator<'a>) -> Vec<&'a str> {
    let Some(list) = operator.field("Output").and_then(|text| text.strip_prefix('[')) else {
        return Vec::new();
    };
    list.trim_end_matches(']')
        .split(',')
        .map(plain_name)
        .filter(|name| !name.is_empty())
        .collect()
}

/// The columns of a `ReadSchema` with their types, the nested ones whole: `struct<a:bigint,b:struct<c:int>>`.
pub fn fields(schema: &str) -> Option<Vec<(&str, &str)>> {
    let inside = schema.trim().strip_prefix("struct<")?.strip_suffix('>')?;
    let (mut fields, mut deep, mut from) = (Vec::new(), 0_i32, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '<' | '(' => deep += 1,
            '>' | ')' => deep -= 1,
            ',' if deep == 0 => {
                fields.extend(inside.get(from..at).and_then(|field| field.split_once(':')));
                from = at + 1;
            }
            _ => {}
        }
    }
    (!fields.is_empty()).then_some(fields)
}

/// A `ReadSchema` as DDL: `a BIGINT, b STRING`. `None` when Spark cut it short.
pub fn ddl(schema: &str) -> Option<String> {
    let fields = fields(schema)?;
    let columns = fields
        .iter()
        .map(|(name, kind)| format!("{name} {}", kind.to_uppercase()));
    (!schema.contains("...")).then(|| columns.collect::<Vec<_>>().join(", "))
}

/// Columns of the output that are in no file: what the table is partitioned by, as far as the query reads it.
pub fn partition_columns<'a>(operator: &PlanOperator<'a>) -> Vec<&'a str> {
    let in_files = operator.field("ReadSchema").and_then(fields).unwrap_or_default();
    let mut columns = output(operator);
    columns.retain(|column| !in_files.iter().any(|(name, _)| name == column));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::plan_tree::PlanTree;

    #[test]
    fn a_scan_tells_place_columns_and_partitions() {
        let text = "Scan parquet spark_catalog.default.t (1)\n\n(1) Scan parquet spark_catalog.default.t\nOutput [2]: [id#3L, day#4]\n\
                    Location: InMemoryFileIndex(2 paths)[file:/data/t, file:/data/u]\nReadSchema: struct<id:bigint,at:struct<x:int,y:decimal(3,1)>>\n";
        let tree = PlanTree::read(text).unwrap();
        let scan = &tree.operators[0];
        assert_eq!(location(scan), Some("/data/t"));
        assert_eq!(of_what(scan), Some("spark_catalog.default.t"));
        assert_eq!(output(scan), ["id", "day"]);
        assert_eq!(partition_columns(scan), ["day"]);
        assert_eq!(
            ddl(scan.field("ReadSchema").unwrap()).as_deref(),
            Some("id BIGINT, at STRUCT<X:INT,Y:DECIMAL(3,1)>")
        );
        assert_eq!(ddl("struct<a:bigint,... 3 more fields>"), None);
        assert_eq!(ddl("nothing"), None);
    }
}
