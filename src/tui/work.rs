//! What would hold a key up is worked out beside the loop: a screen says what (`Screen::work`), a thread of the loop's does it, and
//! what it came to goes back to whoever asked (`Screen::worked`). One at a time: what was asked for meanwhile comes after it.

use std::any::Any;
use std::fmt;

/// What came of it; who asked knows its type.
pub struct Done(Box<dyn Any + Send>);

impl Done {
    /// Something that was worked out.
    pub fn new<T: Send + 'static>(what: T) -> Done {
        Done(Box::new(what))
    }

    /// What it is, if it is that.
    ///
    /// # Errors
    /// It is something else, and stays as it is.
    pub fn take<T: 'static>(self) -> Result<T, Done> {
        self.0.downcast().map(|what| *what).map_err(Done)
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}

/// Something to be worked out.
pub struct Work(Box<dyn FnOnce() -> Done + Send>);

impl Work {
    /// What is to be done. It runs on another thread.
    pub fn new<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> Work {
        Work(Box::new(|| Done::new(what())))
    }

    /// Does it.
    pub fn done(self) -> Done {
        (self.0)()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}
