"""Without Lava the Processes say what to install."""

import subprocess
import sys


def test_the_error_names_the_package_and_the_extra():
    code = (
        "import sys\n"
        "sys.modules['lava'] = None\n"
        "from lava_ahp.errors import MissingExtraError\n"
        "import lava_ahp.netx\n"
        "try:\n"
        "    import lava_ahp.processes\n"
        "except MissingExtraError as error:\n"
        "    assert 'lava-nc' in str(error) and 'lava-ahp[lava]' in str(error), error\n"
        "    sys.exit(0)\n"
        "sys.exit('imported')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
