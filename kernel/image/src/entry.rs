//! The entry points, which the machine crate defines around the main function.

machine::kernel_entry!(crate::main);
