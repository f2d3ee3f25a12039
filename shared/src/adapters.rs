//! The AWS services that both stages talk to. Built only with the feature `aws`.

#[cfg(feature = "aws")]
pub mod sdk;
#[cfg(feature = "aws")]
pub mod ssm;
