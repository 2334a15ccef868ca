//! What the queue promises, promised by both transports: every case runs once over each.
//!
//! Where apalis-redis is known to differ, the case says so and asserts what holds for it.

#[path = "conformance/breakage.rs"]
mod breakage;
#[path = "conformance/control.rs"]
mod control;
#[path = "conformance/delivery.rs"]
mod delivery;
#[path = "conformance/hall.rs"]
mod hall;
#[path = "conformance/leases.rs"]
mod leases;
#[path = "conformance/outcomes.rs"]
mod outcomes;
#[path = "conformance/play.rs"]
mod play;

macro_rules! conformance {
    ($($family:ident::$case:ident,)*) => {
        mod streams {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$family::$case(jobs::queue::redis::Transport::Streams).await;
            })*
        }

        mod apalis_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$family::$case(jobs::queue::redis::Transport::ApalisRedis).await;
            })*
        }
    };
}

conformance! {
    delivery::jobs_are_delivered_and_run_once,
    delivery::duplicates_are_harmless,
    delivery::levels_are_weighted_and_low_never_starves,
    delivery::no_more_ids_are_taken_than_there_are_free_slots,
    delivery::what_names_no_job_is_thrown_away,
    delivery::a_flood_stays_in_the_ledger,
    delivery::an_idle_worker_asks_for_little_and_starts_at_once,
    control::pause_and_resume_take_effect_on_all_workers,
    control::scheduled_jobs_run_in_their_time,
    control::a_unique_job_is_there_once,
    control::a_job_woken_while_it_runs_runs_once_more,
    control::a_sleeping_job_wakes,
    control::a_running_job_put_off_while_it_is_woken_runs_at_once,
    control::a_waiting_job_is_cancelled,
    control::a_running_job_is_cancelled,
    control::a_continuation_follows_parent_and_children,
    control::draining_gives_the_rest_back_without_spending_an_attempt,
    outcomes::a_failure_is_tried_again_after_its_backoff,
    outcomes::a_job_is_discarded_after_its_last_attempt,
    outcomes::a_snooze_is_no_attempt,
    leases::a_poison_job_is_rescued_and_ends_discarded,
    leases::a_stolen_lease_cannot_finish,
    leases::attempts_of_one_job_in_one_process_are_told_apart,
    breakage::what_waited_in_an_emptied_redis_is_pushed_again,
    breakage::running_jobs_do_not_notice_an_emptied_redis,
    breakage::running_jobs_do_not_notice_a_redis_that_restarts,
}
