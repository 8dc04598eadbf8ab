"""Images for messages: uploaded once, made in the sizes that LINE asks for, served from our host."""
