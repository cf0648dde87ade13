//! The counts of an application that every form of the report opens with.

use crate::model::{Application, Executor, JobStatus, StageStatus};

/// Counts over an application. Executors are without the driver, stages are the attempts that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub jobs: usize,
    pub failed_jobs: usize,
    pub stages: usize,
    pub failed_stages: usize,
    pub tasks: u64,
    pub failed_tasks: u64,
    pub executors: usize,
    pub lost_executors: usize,
}

impl Facts {
    pub fn of(application: &Application) -> Facts {
        let executors = || application.executors.iter().filter(|executor| !executor.is_driver());
        Facts {
            jobs: application.jobs.len(),
            failed_jobs: application
                .jobs
                .iter()
                .filter(|job| job.status == JobStatus::Failed)
                .count(),
            stages: application.ran_stages().count(),
            failed_stages: application
                .stages
                .iter()
                .filter(|stage| stage.status == StageStatus::Failed)
                .count(),
            tasks: application.task_count(),
            failed_tasks: application
                .stages
                .iter()
                .map(|stage| u64::from(stage.failed_tasks))
                .sum(),
            executors: executors().count(),
            lost_executors: executors().filter(|executor| is_lost(executor, application)).count(),
        }
    }
}

/// Whether an executor went before the application's end for another reason than having nothing to do.
fn is_lost(executor: &Executor, application: &Application) -> bool {
    // What the driver and the cluster managers say when an executor was given back.
    const GIVEN_BACK: [&str; 4] = ["idle", "killed by driver", "explicit termination request", "finished"];
    let Some(removed) = executor.removed_ms else {
        return false;
    };
    let reason = executor
        .remove_reason
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    application.end_ms.is_none_or(|end| removed < end) && !GIVEN_BACK.iter().any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_given_back_are_not_lost() {
        let gone = |removed_ms, reason: &str| Executor {
            id: "1".into(),
            removed_ms: Some(removed_ms),
            remove_reason: Some(reason.to_owned()),
            ..Executor::default()
        };
        let driver = Executor {
            id: crate::model::DRIVER.into(),
            ..Executor::default()
        };
        let application = Application {
            end_ms: Some(100),
            executors: vec![
                driver,
                gone(50, "Container killed by YARN for exceeding memory limits"),
                gone(50, "Executor killed by driver."),
                gone(100, "Worker shutting down"),
                Executor {
                    id: "4".into(),
                    ..Executor::default()
                },
            ],
            ..Application::default()
        };
        let facts = Facts::of(&application);
        assert_eq!((facts.executors, facts.lost_executors), (4, 1));
    }
}
