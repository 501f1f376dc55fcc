//! The table of calls: every operation of AWS that loadtop ever asks for, with the
//! permissions that it needs and who needs them.
//!
//! Invariant: a call that is not in this table cannot be counted, and so not be made:
//! [`Cloud::settle`](super::Cloud) takes a row of it. The least policies are generated
//! from it (`loadtop doctor --policy`), and a test compares it with the operations that
//! a local cloud saw.

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Elastic Container Service.
    Ecs,
    /// EC2 Auto Scaling.
    AutoScaling,
    /// CloudWatch.
    CloudWatch,
    /// S3.
    S3,
    /// Security Token Service: who am I.
    Sts,
    /// Identity and Access Management: what may I.
    Iam,
    /// EC2: networks.
    Ec2,
    /// Service Quotas.
    Quotas,
}

impl Service {
    /// What its permissions begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Service::Ecs => "ecs",
            Service::AutoScaling => "autoscaling",
            Service::CloudWatch => "cloudwatch",
            Service::S3 => "s3",
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::Ec2 => "ec2",
            Service::Quotas => "servicequotas",
        }
    }

    /// What requests to it are signed for.
    #[must_use]
    pub fn signed_as(self) -> &'static str {
        match self {
            Service::CloudWatch => "monitoring",
            other => other.prefix(),
        }
    }
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Controllers: dashboards, verbs, headless runs.
    Operator,
    /// Tasks: agents and watchdogs.
    Task,
    /// Both.
    Both,
    /// Whoever looks before anything is started (`loadtop doctor`, a controller that wants
    /// to know a quota), and does without where it is not permitted.
    Doctor,
}

/// What a permission is about, as far as a policy can bound it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The cluster.
    Cluster,
    /// The cluster's tasks.
    Tasks,
    /// The cluster's container instances.
    Instances,
    /// The task definition.
    Definition,
    /// The Auto Scaling group.
    Group,
    /// The bucket itself.
    Bucket,
    /// Objects below `loadtop/` in the bucket.
    Objects,
    /// The namespace `loadtop` of CloudWatch's metrics.
    Namespace,
    /// Nothing that IAM can name: all resources.
    Everything,
}

/// An operation, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its name, as AWS spells it.
    pub operation: &'static str,
    /// Whose.
    pub service: Service,
    /// Permissions, with what each is about; none where everybody may ask.
    pub needs: &'static [(&'static str, About)],
    /// Who makes it.
    pub by: By,
}

macro_rules! calls {
    ($($name:ident: $operation:literal of $service:ident by $by:ident needs $(($permission:literal, $about:ident))*;)+) => {
        $(
            #[doc = concat!("`", $operation, "`.")]
            pub const $name: Call = Call {
                operation: $operation,
                service: Service::$service,
                needs: &[$(($permission, About::$about)),*],
                by: By::$by,
            };
        )+
        /// All of them.
        pub const ALL: &[Call] = &[$($name),+];
    };
}

calls! {
    DESCRIBE_CLUSTERS: "DescribeClusters" of Ecs by Operator needs ("ecs:DescribeClusters", Cluster);
    DESCRIBE_PROVIDERS: "DescribeCapacityProviders" of Ecs by Operator needs
        ("ecs:DescribeCapacityProviders", Everything);
    RUN_TASK: "RunTask" of Ecs by Operator needs
        ("ecs:RunTask", Definition) ("ecs:TagResource", Tasks) ("iam:PassRole", Everything);
    STOP_TASK: "StopTask" of Ecs by Operator needs ("ecs:StopTask", Tasks);
    LIST_TASKS: "ListTasks" of Ecs by Operator needs ("ecs:ListTasks", Everything);
    DESCRIBE_TASKS: "DescribeTasks" of Ecs by Operator needs ("ecs:DescribeTasks", Tasks);
    LIST_INSTANCES: "ListContainerInstances" of Ecs by Operator needs
        ("ecs:ListContainerInstances", Cluster);
    DESCRIBE_INSTANCES: "DescribeContainerInstances" of Ecs by Operator needs
        ("ecs:DescribeContainerInstances", Instances);
    CORDON: "UpdateContainerInstancesState" of Ecs by Operator needs
        ("ecs:UpdateContainerInstancesState", Instances);
    REGISTER: "RegisterTaskDefinition" of Ecs by Operator needs
        ("ecs:RegisterTaskDefinition", Definition) ("ecs:TagResource", Definition)
        ("iam:PassRole", Everything);
    DESCRIBE_DEFINITION: "DescribeTaskDefinition" of Ecs by Operator needs
        ("ecs:DescribeTaskDefinition", Everything);
    DESCRIBE_GROUPS: "DescribeAutoScalingGroups" of AutoScaling by Operator needs
        ("autoscaling:DescribeAutoScalingGroups", Everything);
    SET_DESIRED: "SetDesiredCapacity" of AutoScaling by Operator needs
        ("autoscaling:SetDesiredCapacity", Group);
    TERMINATE: "TerminateInstanceInAutoScalingGroup" of AutoScaling by Operator needs
        ("autoscaling:TerminateInstanceInAutoScalingGroup", Group);
    UPDATE_GROUP: "UpdateAutoScalingGroup" of AutoScaling by Operator needs
        ("autoscaling:UpdateAutoScalingGroup", Group);
    PUT_SCHEDULED: "PutScheduledUpdateGroupAction" of AutoScaling by Operator needs
        ("autoscaling:PutScheduledUpdateGroupAction", Group);
    DESCRIBE_SCHEDULED: "DescribeScheduledActions" of AutoScaling by Operator needs
        ("autoscaling:DescribeScheduledActions", Everything);
    DELETE_SCHEDULED: "DeleteScheduledAction" of AutoScaling by Operator needs
        ("autoscaling:DeleteScheduledAction", Group);
    PUT_METRICS: "PutMetricData" of CloudWatch by Task needs
        ("cloudwatch:PutMetricData", Namespace);
    GET_METRICS: "GetMetricData" of CloudWatch by Operator needs
        ("cloudwatch:GetMetricData", Everything);
    GET_OBJECT: "GetObject" of S3 by Both needs
        ("s3:GetObject", Objects) ("s3:ListBucket", Bucket);
    HEAD_OBJECT: "HeadObject" of S3 by Operator needs
        ("s3:GetObject", Objects) ("s3:ListBucket", Bucket);
    PUT_OBJECT: "PutObject" of S3 by Both needs ("s3:PutObject", Objects);
    LIST_OBJECTS: "ListObjectsV2" of S3 by Operator needs ("s3:ListBucket", Bucket);
    HEAD_BUCKET: "HeadBucket" of S3 by Operator needs ("s3:ListBucket", Bucket);
    GET_CALLER: "GetCallerIdentity" of Sts by Doctor needs;
    SIMULATE: "SimulatePrincipalPolicy" of Iam by Doctor needs
        ("iam:SimulatePrincipalPolicy", Everything);
    DESCRIBE_SUBNETS: "DescribeSubnets" of Ec2 by Doctor needs ("ec2:DescribeSubnets", Everything);
    DESCRIBE_SECURITY_GROUPS: "DescribeSecurityGroups" of Ec2 by Doctor needs
        ("ec2:DescribeSecurityGroups", Everything);
    GET_QUOTA: "GetServiceQuota" of Quotas by Doctor needs
        ("servicequotas:GetServiceQuota", Everything);
    GET_DEFAULT_QUOTA: "GetAWSDefaultServiceQuota" of Quotas by Doctor needs
        ("servicequotas:GetAWSDefaultServiceQuota", Everything);
}
