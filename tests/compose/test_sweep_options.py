"""What is wrong with a sweep file is said before any of its runs starts."""

import pytest

from snnx.compose.sweep_options import register

SWEEP = """\
# Two neurons.
#   snnx -m sweep=own_two
sweep: {{paper: own, artifact: Two neurons, metric: test/acc, claims: [{claim}]}}
rows:
  IF: {{set: [neuron=if]}}
  LIF: {{set: [neuron=lif]}}
"""


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("IF > LIFF", r"^own_two\.yaml: claim 'IF > LIFF': .*LIFF"),
        ("IF better than LIF", r"^own_two\.yaml: claim 'IF better than LIF'"),
    ],
)
def test_a_claim_is_read_before_the_runs(tmp_path, monkeypatch, claim, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "own_two.yaml").write_text(SWEEP.format(claim=claim))
    with pytest.raises(ValueError, match=message):
        register(["sweep=own_two"])
