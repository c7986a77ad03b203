"""How long a step takes that several workers share."""


def step_seconds(workers, *, compute, nbytes, serial=0.0, bandwidth=1e9, latency=5e-5):
    r"""The time of one step of synchronous data parallel training, with a ring all-reduce.

    .. math:: T(k) = s\,c + \frac{(1 - s)\,c}{k} + 2\,(k - 1)\Bigl(\ell + \frac{b}{k\,B}\Bigr)

    Each worker computes its share of the batch. Then the workers, in a ring, pass on parts of the
    gradient, b/k bytes each: k − 1 times to add them up, and k − 1 times to hand the sums round.

    Parameters
    ----------
    workers : int ≥ 1, or array of them
        :math:`k`
    compute : float
        :math:`c`, seconds of a step with one worker.
    nbytes : float
        :math:`b`, of the gradient.
    serial : float in [0, 1]
        :math:`s`, the share of c that does not become shorter.
    bandwidth, latency : float
        :math:`B` in bytes per second and :math:`\ell` in seconds for one message.

    Returns
    -------
    seconds : float, or array

    References
    ----------
    Amdahl (1967), AFIPS; Patarasuk and Yuan (2009), J. Parallel Distrib. Comput. 69.

    Examples
    --------
    >>> round(step_seconds(4, compute=0.8, nbytes=4e6, latency=0.0), 6)
    0.206
    """
    message = latency + nbytes / (workers * bandwidth)
    return serial * compute + (1 - serial) * compute / workers + 2 * (workers - 1) * message
