//! The plan screens over a plan with a join that spills, and what adaptive execution made of it.

use super::*;
use crate::model::{Application, PlanMetric, SqlStatus};
use crate::tui::screens::node::NodeScreen;
use crate::tui::screens::sample;
use crate::tui::screens::sql::SqlScreen;
use crate::tui::testing::World;

fn node(id: u64, name: &str, codegen: Option<u64>, stages: &[u32], metrics: &[(&str, &str)]) -> PlanNode {
    let metric = |(name, value): &(&str, &str)| PlanMetric {
        name: (*name).into(),
        value: (!value.is_empty()).then(|| (*value).into()),
    };
    PlanNode {
        id,
        name: name.into(),
        description: Some(format!("{name} [key#1L, (key#1L % 10) AS group#2L, value#3]")),
        codegen,
        metrics: metrics.iter().map(metric).collect(),
        stages: stages.to_vec(),
    }
}

const SPREAD: &str = "total (min, med, max (stageId: taskId))\n";

fn graph() -> PlanGraph {
    let spread = |text: &str| format!("{SPREAD}{text}");
    let rows = "number of output rows";
    let duration = spread("4.8 m (3.1 s, 4.2 s, 4.6 m (stage 1.0: task 142))");
    let sort = spread("1.9 m (80 ms, 120 ms, 1.8 m (stage 1.0: task 142))");
    let spill = spread("12.0 GiB (0.0 B, 0.0 B, 12.0 GiB (stage 1.0: task 142))");
    let scan = spread("31.0 s (900 ms, 1.1 s, 1.3 s (stage 0.0: task 7))");
    PlanGraph {
        nodes: vec![
            node(0, "AdaptiveSparkPlan", None, &[], &[]),
            node(1, "WholeStageCodegen (5)", None, &[1], &[("duration", &duration)]),
            node(2, "Project", Some(5), &[1], &[]),
            node(3, "SortMergeJoin", Some(5), &[1], &[(rows, "312,000,000")]),
            node(
                4,
                "Sort",
                None,
                &[1],
                &[
                    ("sort time", &sort),
                    ("spill size", &spill),
                    ("peak memory", "64.0 MiB"),
                ],
            ),
            node(5, "AQEShuffleRead", None, &[], &[("number of partitions", "200")]),
            node(
                6,
                "Exchange",
                None,
                &[0, 1],
                &[
                    ("shuffle bytes written", "34.0 GiB"),
                    (rows, "62,000,000"),
                    ("fetch wait time", ""),
                ],
            ),
            node(
                7,
                "Scan parquet sales.orders",
                None,
                &[0],
                &[
                    (rows, "62,000,000"),
                    ("scan time", &scan),
                    ("size of files read", "35.1 GiB"),
                ],
            ),
            node(8, "Sort", None, &[1], &[("sort time", "0 ms"), ("spill size", "0.0 B")]),
            node(
                9,
                "Exchange",
                None,
                &[0, 1],
                &[("shuffle bytes written", "1.0 MiB"), (rows, "20,000")],
            ),
            node(10, "Scan parquet 名前.customers", None, &[0], &[(rows, "20,000")]),
        ],
        edges: vec![(2, 0), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6), (8, 3), (9, 8), (10, 9)],
    }
}

fn world() -> World {
    let mut application = sample::application();
    let mut first = graph();
    first.nodes.retain(|node| node.id != 5);
    first.edges = vec![(2, 0), (3, 2), (4, 3), (6, 4), (7, 6), (8, 3), (9, 8), (10, 9)];
    application.sql = vec![
        SqlExecution {
            id: 3,
            description: "INSERT INTO sales.daily SELECT * FROM sales.orders JOIN 名前.customers USING (key)".into(),
            status: SqlStatus::Failed,
            submission_ms: application.start_ms,
            completion_ms: application.end_ms,
            jobs: vec![0, 1, 2],
            plan: Some("== Physical Plan ==\nAdaptiveSparkPlan (11)\n+- == Final Plan ==\n   * Project (10)".into()),
            graph: Some(Arc::new(graph())),
            initial_graph: Some(Arc::new(first)),
            error: Some("org.apache.spark.SparkException: Job aborted due to stage failure: Task 5 in stage 2.0 failed 4 times\n\tat org.x.Y".into()),
            ..SqlExecution::default()
        },
        SqlExecution {
            id: 4,
            description: "show tables".into(),
            status: SqlStatus::Completed,
            ..SqlExecution::default()
        },
    ];
    for stage in &mut application.stages {
        Arc::make_mut(stage).sql = Some(3);
    }
    World::new(application, Vec::new())
}

#[test]
fn executions_and_a_plan_as_pictures() {
    let world = world();
    for (width, height) in [(80, 20), (140, 41)] {
        insta::assert_snapshot!(
            format!("sql_{width}"),
            world.drawn(&mut SqlScreen::default(), width, height)
        );
        insta::assert_snapshot!(
            format!("plan_{width}"),
            world.drawn(&mut PlanScreen::new(3), width, height)
        );
        let mut node = NodeScreen::new(3, false, 4);
        insta::assert_snapshot!(format!("node_{width}"), world.drawn(&mut node, width, height));
    }
}

#[test]
fn the_key_goes_through_the_looks_and_says_where_there_is_one() {
    let world = world();
    let mut screen = PlanScreen::new(3);
    assert!(world.drawn(&mut screen, 80, 20).contains("Plan (11 nodes)"));
    screen.update(Action::NextLook, &world.cx());
    assert!(world.drawn(&mut screen, 80, 20).contains("First plan (10 nodes)"));
    screen.update(Action::NextLook, &world.cx());
    assert!(world.drawn(&mut screen, 80, 20).contains("== Physical Plan =="));
    assert_eq!(screen.copy(&world.cx()).unwrap().0, "plan");
    screen.update(Action::NextLook, &world.cx());
    assert!(world.drawn(&mut screen, 80, 20).contains("Plan (11 nodes)"));
    let mut bare = PlanScreen::new(4);
    assert!(world.drawn(&mut bare, 80, 20).contains("no plan was recorded"));
    assert!(matches!(
        bare.update(Action::NextLook, &world.cx())[..],
        [Effect::Say(_)]
    ));
}

#[test]
fn enter_drills_down_to_the_stage_and_space_folds() {
    let world = world();
    let mut list = SqlScreen::default();
    world.drawn(&mut list, 80, 20);
    assert_eq!(list.update(Action::Enter, &world.cx()), [Effect::Go(Place::Sql(3))]);
    let mut screen = PlanScreen::new(3);
    let text = world.drawn(&mut screen, 80, 24);
    assert!(
        text.contains("▸ ◇ WholeStageCodegen (5)"),
        "the hottest is chosen first\n{text}"
    );
    for _ in 0..2 {
        screen.update(Action::Down, &world.cx());
    }
    screen.update(Action::Mark, &world.cx());
    let folded = world.drawn(&mut screen, 80, 24);
    assert!(
        folded.contains("SortMergeJoin [+7]") && !folded.contains("Scan parquet"),
        "{folded}"
    );
    screen.update(Action::Mark, &world.cx());
    assert!(world.drawn(&mut screen, 80, 24).contains("Scan parquet sales"));
    assert_eq!(
        screen.update(Action::Enter, &world.cx()),
        [Effect::Go(Place::Node(3, false, 3))]
    );
    let mut node = NodeScreen::new(3, false, 3);
    world.drawn(&mut node, 80, 24);
    assert_eq!(
        node.update(Action::Enter, &world.cx()),
        [Effect::Go(Place::Stage(sample::SKEWED))]
    );
}

#[test]
fn sorted_by_time_the_hottest_is_first_and_without_lines() {
    let world = world();
    let mut screen = PlanScreen::new(3);
    world.drawn(&mut screen, 80, 24);
    for action in [Action::Right, Action::Right, Action::Sort, Action::First] {
        screen.update(action, &world.cx());
    }
    let text = world.drawn(&mut screen, 80, 24);
    let first = text.lines().find(|line| line.starts_with('▸')).unwrap();
    assert!(
        first.contains("WholeStageCodegen (5)") && first.contains("most time"),
        "{text}"
    );
    assert!(!text.contains("├"), "{text}");
}

#[test]
fn they_draw_at_every_size() {
    let world = world();
    world.drawn_at_all_sizes(&mut SqlScreen::default());
    world.drawn_at_all_sizes(&mut PlanScreen::new(3));
    world.drawn_at_all_sizes(&mut PlanScreen::new(99));
    world.drawn_at_all_sizes(&mut NodeScreen::new(3, false, 6));
    let empty = World::new(Application::default(), Vec::new());
    assert!(
        empty
            .drawn(&mut SqlScreen::default(), 80, 10)
            .contains("no SQL executions")
    );
}
