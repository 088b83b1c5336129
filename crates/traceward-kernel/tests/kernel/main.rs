//! The kernels through their public interface, in one program so that it links once.

mod case;
mod gradients;
mod reading;
