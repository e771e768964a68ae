"""CDK constructs of the stacks, one AWS concern per module."""
