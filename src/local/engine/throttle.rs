//! Token buckets, sized as AWS documents its own.
//!
//! Invariant: a bucket never holds more than its burst, and time that goes
//! backwards refills nothing.

use super::ApiError;
use crate::model::Millis;

/// Operations that share a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quota {
    /// RunTask, StopTask, UpdateContainerInstancesState.
    Change,
    /// List and describe tasks and container instances.
    Look,
    /// ListClusters, DescribeClusters.
    Clusters,
    /// RegisterTaskDefinition, DeregisterTaskDefinition.
    Register,
    /// DescribeTaskDefinition, ListTaskDefinitions.
    Definitions,
    /// DescribeCapacityProviders.
    Providers,
    /// TagResource.
    TagChange,
    /// ListTagsForResource.
    TagLook,
    /// RunTask on Fargate, beside what it is otherwise.
    FargateCalls,
    /// Tasks, not calls, that Fargate launches.
    FargateTasks,
    /// Those of Fargate Spot.
    SpotTasks,
    /// All of Auto Scaling; AWS publishes no figure, this is a careful guess.
    Scaling,
    /// PutMetricData.
    PutMetrics,
    /// GetMetricData.
    GetMetrics,
}

impl Quota {
    /// Calls at once, and calls per second after that.
    const fn burst_and_rate(self) -> (f64, f64) {
        match self {
            Quota::Change => (100.0, 40.0),
            Quota::Register => (20.0, 1.0),
            Quota::Clusters | Quota::Definitions | Quota::Providers | Quota::TagLook => {
                (50.0, 20.0)
            }
            Quota::TagChange => (20.0, 10.0),
            Quota::FargateCalls => (20.0, 20.0),
            Quota::Look | Quota::FargateTasks | Quota::SpotTasks => (100.0, 20.0),
            Quota::Scaling => (100.0, 10.0),
            Quota::PutMetrics => (500.0, 500.0),
            Quota::GetMetrics => (50.0, 50.0),
        }
    }
}

/// All buckets of a service.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    buckets: Vec<(Quota, Bucket)>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Millis,
}

impl Throttle {
    /// Takes one call out of its bucket, or refuses it.
    pub(super) fn take(&mut self, quota: Quota, now: Millis) -> Result<(), ApiError> {
        self.take_many(quota, 1, now)
    }

    /// Takes so many out of their bucket, or none and refuses them.
    pub(super) fn take_many(
        &mut self,
        quota: Quota,
        count: usize,
        now: Millis,
    ) -> Result<(), ApiError> {
        let (burst, rate) = quota.burst_and_rate();
        let at = self.buckets.iter().position(|(other, _)| *other == quota).unwrap_or_else(|| {
            self.buckets.push((quota, Bucket { tokens: burst, at: now }));
            self.buckets.len() - 1
        });
        let bucket = &mut self.buckets[at].1;
        let refill = now.saturating_sub(bucket.at) as f64 / 1000.0 * rate;
        bucket.tokens = (bucket.tokens + refill).min(burst);
        bucket.at = bucket.at.max(now);
        if bucket.tokens < count as f64 {
            return Err(ApiError::throttled());
        }
        bucket.tokens -= count as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut throttle = Throttle::default();
        let mut calls =
            |now| (0..200).take_while(|_| throttle.take(Quota::Change, now).is_ok()).count();
        assert_eq!(calls(1000), 100);
        assert_eq!(calls(1000), 0);
        assert_eq!(calls(1500), 20);
        assert_eq!(calls(500), 0, "time went backwards");
        assert_eq!(calls(100_000), 100);
    }
}
