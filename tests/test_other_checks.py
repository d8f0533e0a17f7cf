"""What the chapter on gradient checking says of PyTorch's check holds for the installed one."""

import inspect

import pytest

torch = pytest.importorskip("torch", reason="peers: install torch to try its check")


def accepts(scale, claimed, **options):
    class Claim(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return scale * x**3

        @staticmethod
        def backward(ctx, g):
            return g * claimed

    dtype = options.pop("dtype", torch.float64)
    x = torch.tensor([2.0], dtype=dtype, requires_grad=True)
    return torch.autograd.gradcheck(Claim.apply, x, raise_exception=False, **options)


def test_the_defaults():
    defaults = inspect.signature(torch.autograd.gradcheck).parameters
    named = {name: defaults[name].default for name in ("eps", "atol", "rtol", "fast_mode")}
    assert named == {"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3, "fast_mode": False}


@pytest.mark.parametrize("fast", [False, True])
def test_the_tolerances_are_wide(fast):
    assert accepts(1, 12, fast_mode=fast)
    assert accepts(1, 11.999, fast_mode=fast) and accepts(1, 11.99, fast_mode=fast)
    assert not accepts(1, 11.98, fast_mode=fast)
    assert accepts(1e-7, 0, fast_mode=fast) and not accepts(1e-6, 0, fast_mode=fast)


def test_narrower_tolerances_see_it():
    assert accepts(1, 12, rtol=1e-7, atol=1e-9)
    assert not accepts(1, 11.999, rtol=1e-7, atol=1e-9)
