//! Where core time went, and how long a stage or an application would take if something were changed. Pure functions of the
//! model.
