// Package testbed is what a user does with hpcbench, on a real Slurm and Apptainer cluster that is made for it on this
// machine (testbed/cluster). Its tests are behind the build tag e2e, need root on Debian, and are run by testbed/e2e.
//
// The nodes share one root directory, which a test reads and writes from outside: what the nodes know as /srv/jobs is
// root + "/srv/jobs" here. A test compiles, submits and cancels as the unprivileged user bench on the login node; as
// root it only breaks things and looks.
package testbed
