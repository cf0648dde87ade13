//! The tasks of one stage attempt, in columns: a task is a row number. Quantiles, sorting and filtering work on rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::column::Column;
use super::measure::TaskMeasure;
use super::metrics::{MetricValues, TaskMetric, quantile_index};
use super::task_labels::{FailureKind, Locality, TaskStatus};

/// What is known of a task attempt that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// Why.
    pub kind: FailureKind,
    /// Spark's error string (REST's `errorMessage`), shared by tasks that failed alike.
    pub message: Arc<str>,
}

/// One task attempt, on its way into a table or out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// `taskId`, unique in the application.
    pub id: u64,
    /// Index in the stage: a task's attempts share it.
    pub index: u32,
    /// Attempt number of this index, from 0.
    pub attempt: u32,
    /// Partition (Spark 3.3 and later).
    pub partition: Option<u64>,
    /// Launch, epoch ms.
    pub launch_ms: i64,
    /// Finish minus launch, ms; absent while it runs.
    pub duration_ms: Option<u64>,
    /// When the driver began to fetch a result too large to come along, ms after the launch.
    pub result_fetch_ms: Option<u64>,
    /// Executor id.
    pub executor: Arc<str>,
    /// Host name.
    pub host: Arc<str>,
    /// Locality level.
    pub locality: Locality,
    /// Where it stands.
    pub status: TaskStatus,
    /// Whether it is a speculative copy.
    pub speculative: bool,
    /// Why it did not succeed.
    pub failure: Option<TaskFailure>,
    /// Its metrics; all absent for many failed tasks.
    pub metrics: MetricValues,
}

/// The task attempts of one stage attempt, in the order of their launch events (REST: of their ids).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskTable {
    id: Vec<u64>,
    index: Vec<u32>,
    attempt: Vec<u32>,
    partition: Column,
    launch_ms: Vec<i64>,
    duration_ms: Column,
    result_fetch_ms: Column,
    executor: Vec<u32>,
    locality: Vec<Locality>,
    status: Vec<TaskStatus>,
    speculative: Vec<bool>,
    metrics: Vec<Column>,
    failures: BTreeMap<usize, TaskFailure>,
    /// (executor id, host), each pair once.
    places: Vec<(Arc<str>, Arc<str>)>,
}

impl TaskTable {
    /// Number of task attempts.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Appends a task attempt and gives its row.
    pub fn push(&mut self, task: &Task) -> usize {
        let row = self.len();
        if self.metrics.is_empty() {
            self.metrics = vec![Column::default(); TaskMetric::ALL.len()];
        }
        let place = self.place(&task.executor, &task.host);
        self.id.push(task.id);
        self.index.push(task.index);
        self.attempt.push(task.attempt);
        self.partition.push(task.partition);
        self.launch_ms.push(task.launch_ms);
        self.duration_ms.push(task.duration_ms);
        self.result_fetch_ms.push(task.result_fetch_ms);
        self.executor.push(place);
        self.locality.push(task.locality);
        self.status.push(task.status);
        self.speculative.push(task.speculative);
        for (column, value) in self.metrics.iter_mut().zip(task.metrics.iter()) {
            column.push(value);
        }
        if let Some(failure) = &task.failure {
            self.failures.insert(row, failure.clone());
        }
        row
    }

    /// Puts the end of a task attempt into the row that its start made; `task` says everything anew but the place.
    pub fn finish(&mut self, row: usize, task: &Task) {
        if row >= self.len() {
            return;
        }
        self.launch_ms[row] = task.launch_ms;
        self.partition.set(row, task.partition);
        self.duration_ms.set(row, task.duration_ms);
        self.result_fetch_ms.set(row, task.result_fetch_ms);
        self.locality[row] = task.locality;
        self.status[row] = task.status;
        self.speculative[row] = task.speculative;
        for (column, value) in self.metrics.iter_mut().zip(task.metrics.iter()) {
            column.set(row, value);
        }
        match &task.failure {
            Some(failure) => {
                self.failures.insert(row, failure.clone());
            }
            None => {
                self.failures.remove(&row);
            }
        }
    }

    fn place(&mut self, executor: &Arc<str>, host: &Arc<str>) -> u32 {
        // Sources share one string per name: nearly always the pointers tell, which matters with hundreds of executors.
        let places = self.places.iter();
        let same = places
            .clone()
            .position(|(e, h)| Arc::ptr_eq(e, executor) && Arc::ptr_eq(h, host));
        let known = same.or_else(|| places.clone().position(|(e, h)| e == executor && h == host));
        let place = known.unwrap_or_else(|| {
            self.places.push((executor.clone(), host.clone()));
            self.places.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Gives back spare capacity, when no more rows come.
    pub fn shrink(&mut self) {
        self.id.shrink_to_fit();
        self.index.shrink_to_fit();
        self.attempt.shrink_to_fit();
        self.launch_ms.shrink_to_fit();
        self.executor.shrink_to_fit();
        self.locality.shrink_to_fit();
        self.status.shrink_to_fit();
        self.speculative.shrink_to_fit();
        let own = [&mut self.partition, &mut self.duration_ms, &mut self.result_fetch_ms];
        own.into_iter().chain(&mut self.metrics).for_each(Column::shrink);
    }

    /// Puts the rows into the order of their ids. A column at a time, so that a large table is never there twice.
    pub fn sort_by_id(&mut self) {
        if self.id.is_sorted() {
            return;
        }
        let mut rows: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        rows.sort_by_key(|row| self.id[*row as usize]);
        reorder(&mut self.id, &rows);
        reorder(&mut self.index, &rows);
        reorder(&mut self.attempt, &rows);
        reorder(&mut self.launch_ms, &rows);
        reorder(&mut self.executor, &rows);
        reorder(&mut self.locality, &rows);
        reorder(&mut self.status, &rows);
        reorder(&mut self.speculative, &rows);
        let own = [&mut self.partition, &mut self.duration_ms, &mut self.result_fetch_ms];
        own.into_iter()
            .chain(&mut self.metrics)
            .for_each(|column| column.reorder(&rows));
        if !self.failures.is_empty() {
            let place: HashMap<usize, usize> = rows.iter().enumerate().map(|(to, from)| (*from as usize, to)).collect();
            let failures = std::mem::take(&mut self.failures).into_iter();
            self.failures = failures
                .filter_map(|(row, failure)| Some((*place.get(&row)?, failure)))
                .collect();
        }
    }

    /// `taskId` of a row.
    pub fn id(&self, row: usize) -> u64 {
        self.id[row]
    }

    /// Index in the stage of a row.
    pub fn index(&self, row: usize) -> u32 {
        self.index[row]
    }

    /// Attempt number of a row.
    pub fn attempt(&self, row: usize) -> u32 {
        self.attempt[row]
    }

    /// Partition of a row.
    pub fn partition(&self, row: usize) -> Option<u64> {
        self.partition.get(row)
    }

    /// Launch of a row, epoch ms.
    pub fn launch_ms(&self, row: usize) -> i64 {
        self.launch_ms[row]
    }

    /// Duration of a row, ms; absent while it runs.
    pub fn duration_ms(&self, row: usize) -> Option<u64> {
        self.duration_ms.get(row)
    }

    /// Finish of a row, epoch ms; absent while it runs.
    pub fn finish_ms(&self, row: usize) -> Option<i64> {
        let duration = i64::try_from(self.duration_ms.get(row)?).ok()?;
        self.launch_ms[row].checked_add(duration)
    }

    /// When the driver began to fetch the result, epoch ms.
    pub fn result_fetch_start_ms(&self, row: usize) -> Option<i64> {
        let after = i64::try_from(self.result_fetch_ms.get(row)?).ok()?;
        self.launch_ms[row].checked_add(after)
    }

    /// Executor id of a row.
    pub fn executor(&self, row: usize) -> &Arc<str> {
        &self.places[self.executor[row] as usize].0
    }

    /// Host of a row.
    pub fn host(&self, row: usize) -> &Arc<str> {
        &self.places[self.executor[row] as usize].1
    }

    /// The (executor id, host) pairs that ran tasks, in order of first launch.
    pub fn places(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.places
    }

    /// The place of a row in [`TaskTable::places`].
    pub fn place_index(&self, row: usize) -> usize {
        self.executor[row] as usize
    }

    /// Locality level of a row.
    pub fn locality(&self, row: usize) -> Locality {
        self.locality[row]
    }

    /// Status of a row.
    pub fn status(&self, row: usize) -> TaskStatus {
        self.status[row]
    }

    /// Whether a row is a speculative copy.
    pub fn speculative(&self, row: usize) -> bool {
        self.speculative[row]
    }

    /// Why a row did not succeed.
    pub fn failure(&self, row: usize) -> Option<&TaskFailure> {
        self.failures.get(&row)
    }

    /// The rows that did not succeed, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &TaskFailure)> {
        self.failures.iter().map(|(row, failure)| (*row, failure))
    }

    /// A recorded metric of a row.
    pub fn metric(&self, row: usize, metric: TaskMetric) -> Option<u64> {
        self.metrics.get(metric.index())?.get(row)
    }

    /// The whole column of a metric; absent when the table is empty.
    pub fn column(&self, metric: TaskMetric) -> Option<&Column> {
        self.metrics.get(metric.index())
    }

    /// Whether Spark sent metrics with the end of this task (it does not for many failures).
    pub fn has_metrics(&self, row: usize) -> bool {
        self.metric(row, TaskMetric::ExecutorRunTime).is_some()
    }

    /// A measure of a row; absent when something it is computed from is.
    pub fn measure(&self, row: usize, measure: TaskMeasure) -> Option<u64> {
        let metric = |metric| self.metric(row, metric);
        match measure {
            TaskMeasure::Duration => self.duration_ms.get(row),
            TaskMeasure::GettingResultTime => {
                let duration = self.duration_ms.get(row)?;
                Some(
                    self.result_fetch_ms
                        .get(row)
                        .map_or(0, |after| duration.saturating_sub(after)),
                )
            }
            TaskMeasure::SchedulerDelay => {
                let busy = metric(TaskMetric::ExecutorRunTime)?
                    .saturating_add(metric(TaskMetric::ExecutorDeserializeTime).unwrap_or(0))
                    .saturating_add(metric(TaskMetric::ResultSerializationTime).unwrap_or(0))
                    .saturating_add(self.measure(row, TaskMeasure::GettingResultTime)?);
                Some(self.duration_ms.get(row)?.saturating_sub(busy))
            }
            TaskMeasure::ShuffleReadBytes => sum(
                metric(TaskMetric::ShuffleRemoteBytesRead),
                metric(TaskMetric::ShuffleLocalBytesRead),
            ),
            TaskMeasure::ShuffleReadBlocks => sum(
                metric(TaskMetric::ShuffleRemoteBlocksFetched),
                metric(TaskMetric::ShuffleLocalBlocksFetched),
            ),
            TaskMeasure::PartitionBytes => sum(
                metric(TaskMetric::InputBytes),
                self.measure(row, TaskMeasure::ShuffleReadBytes),
            ),
            TaskMeasure::PartitionRecords => {
                sum(metric(TaskMetric::InputRecords), metric(TaskMetric::ShuffleReadRecords))
            }
            TaskMeasure::Metric(name) => metric(name),
        }
    }

    /// The rows of successful tasks.
    pub fn successful(&self) -> impl Iterator<Item = usize> + '_ {
        self.status
            .iter()
            .enumerate()
            .filter(|(_, status)| **status == TaskStatus::Success)
            .map(|(row, _)| row)
    }

    /// A measure of the successful tasks, in their order, those without it left out, in place of what `into` held.
    pub fn successful_values(&self, measure: TaskMeasure, into: &mut Vec<u64>) {
        into.clear();
        let column = match measure {
            TaskMeasure::Duration => Some(&self.duration_ms),
            TaskMeasure::Metric(metric) => self.column(metric),
            _ => None,
        };
        match column {
            // What kind of column it is needs not be asked for every row.
            Some(column) => column.values_of(self.successful(), into),
            None => into.extend(self.successful().filter_map(|row| self.measure(row, measure))),
        }
    }

    /// A measure of the successful tasks, ascending; those without it are left out.
    pub fn sorted(&self, measure: TaskMeasure) -> Vec<u64> {
        let mut values = Vec::with_capacity(self.len());
        self.successful_values(measure, &mut values);
        values.sort_unstable();
        values
    }

    /// A measure's quantiles over successful tasks by Spark's index rule; `None` when no task recorded it.
    pub fn quantiles(&self, measure: TaskMeasure, quantiles: &[f64]) -> Option<Vec<u64>> {
        let values = self.sorted(measure);
        quantiles
            .iter()
            .map(|q| quantile_index(*q, values.len()).map(|at| values[at]))
            .collect()
    }

    /// A row as one piece. For a single task's screen and for tests, not for loops over columns.
    pub fn task(&self, row: usize) -> Option<Task> {
        let mut metrics = MetricValues::default();
        for metric in TaskMetric::ALL {
            metrics.set(*metric, self.metric(row, *metric));
        }
        (row < self.len()).then(|| Task {
            id: self.id[row],
            index: self.index[row],
            attempt: self.attempt[row],
            partition: self.partition.get(row),
            launch_ms: self.launch_ms[row],
            duration_ms: self.duration_ms.get(row),
            result_fetch_ms: self.result_fetch_ms.get(row),
            executor: self.executor(row).clone(),
            host: self.host(row).clone(),
            locality: self.locality[row],
            status: self.status[row],
            speculative: self.speculative[row],
            failure: self.failures.get(&row).cloned(),
            metrics,
        })
    }

    /// The row of a task id.
    pub fn row_of(&self, id: u64) -> Option<usize> {
        self.id.iter().position(|known| *known == id)
    }
}

/// Takes the values in the order of `rows`.
pub(super) fn reorder<T: Copy>(values: &mut Vec<T>, rows: &[u32]) {
    *values = rows
        .iter()
        .filter_map(|row| values.get(*row as usize).copied())
        .collect();
}

/// The sum of what is there; absent when neither is.
fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: u64) -> Task {
        Task {
            id,
            index: u32::try_from(id).unwrap(),
            attempt: 0,
            partition: None,
            launch_ms: 1_000,
            duration_ms: None,
            result_fetch_ms: None,
            executor: "1".into(),
            host: "host-1".into(),
            locality: Locality::NodeLocal,
            status: TaskStatus::Running,
            speculative: false,
            failure: None,
            metrics: MetricValues::default(),
        }
    }

    #[test]
    fn an_end_fills_the_row_of_its_start() {
        let mut table = TaskTable::default();
        let row = table.push(&task(7));
        assert_eq!(table.finish_ms(row), None);
        let mut ended = task(7);
        ended.duration_ms = Some(500);
        ended.result_fetch_ms = Some(450);
        ended.status = TaskStatus::Success;
        ended.metrics.set(TaskMetric::ExecutorRunTime, Some(300));
        ended.metrics.set(TaskMetric::ShuffleLocalBytesRead, Some(10));
        table.finish(row, &ended);
        assert_eq!(table.task(row), Some(ended));
        assert_eq!(table.finish_ms(row), Some(1_500));
        assert_eq!(table.measure(row, TaskMeasure::GettingResultTime), Some(50));
        assert_eq!(table.measure(row, TaskMeasure::SchedulerDelay), Some(150));
        assert_eq!(table.measure(row, TaskMeasure::PartitionBytes), Some(10));
        assert_eq!(table.measure(row, TaskMeasure::PartitionRecords), None);
    }

    #[test]
    fn sorting_moves_whole_rows() {
        let mut table = TaskTable::default();
        for id in [5, 2, 9, 1] {
            let mut task = Task {
                duration_ms: (id != 9).then_some(id * 10),
                launch_ms: i64::try_from(id).unwrap(),
                failure: (id == 2).then(|| TaskFailure {
                    kind: FailureKind::Killed,
                    message: "stop".into(),
                }),
                executor: id.to_string().into(),
                ..task(id)
            };
            task.metrics.set(TaskMetric::ResultSize, Some(id << 33));
            table.push(&task);
        }
        let mut before: Vec<Task> = (0..4).filter_map(|row| table.task(row)).collect();
        before.sort_by_key(|task| task.id);
        table.sort_by_id();
        assert_eq!((0..4).filter_map(|row| table.task(row)).collect::<Vec<_>>(), before);
        assert!(table.failure(1).is_some());
    }

    #[test]
    fn quantiles_are_of_successful_tasks_alone() {
        let mut table = TaskTable::default();
        for (id, status) in [
            (1, TaskStatus::Success),
            (2, TaskStatus::Failed),
            (3, TaskStatus::Success),
        ] {
            table.push(&Task {
                duration_ms: Some(id * 100),
                status,
                ..task(id)
            });
        }
        assert_eq!(
            table.quantiles(TaskMeasure::Duration, &[0.0, 0.5, 1.0]),
            Some(vec![100, 300, 300])
        );
        assert_eq!(table.quantiles(TaskMeasure::PartitionBytes, &[0.5]), None);
    }
}
